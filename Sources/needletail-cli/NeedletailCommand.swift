#if Tools
  import ArgumentParser
  import Foundation
  import Needletail
  import NeedletailCore

  #if canImport(Glibc)
    import Glibc
  #else
    import Darwin
  #endif

  /// Inside a `ParsableCommand` the name `exit` means another function.
  private func endProcess(_ status: Int32) -> Never { exit(status) }

  /// The command line: `needletail <subcommand>`.
  @main
  struct NeedletailCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "needletail",
      abstract: "Build, search and judge nearest-neighbour indexes.",
      discussion: """
        EXAMPLES
          needletail demo
          needletail build --input base.fbin --metric cosine --output words.needletail
          needletail search words.needletail --queries query.fbin --k 10
          needletail apply words.needletail changes.jsonl --source changes
          needletail groundtruth --base base.fbin --queries query.fbin \\
              --metric cosine --k 100 --output truth.ibin
          needletail evaluate words.needletail --queries query.fbin \\
              --groundtruth truth.ibin --k 10 --ef 10,16,24,48 --html report.html

        Vectors are read from .fvecs .bvecs .fbin .u8bin .i8bin and .npy files.
        Results go to standard output, progress to standard error (when it is a terminal).

        EXIT STATUS
          0 done · 1 not passed · 64 usage · 65 bad data · 66 input missing · 73 cannot create ·
          74 input/output error · 75 try again later · 130 interrupted
        """,
      version: "0.1.0",
      subcommands: [
        BuildCommand.self, TuneCommand.self, SearchCommand.self, EvaluateCommand.self,
        LoadCommand.self, ReplayCommand.self, StatsCommand.self,
        GroundTruthCommand.self, ConvertCommand.self, InfoCommand.self, VerifyCommand.self,
        ApplyCommand.self, CompactCommand.self, RollbackCommand.self, LogCommand.self,
        RepairCommand.self, BudgetCommand.self, DatasetsCommand.self, ReportCommand.self,
        DemoCommand.self,
      ])

    static func main() {
      do {
        var command = try parseAsRoot()
        mentionUnknownKernels()
        try command.run()
        finish(.success)
      } catch let failure as CommandFailure {
        fail(failure.message, failure.status)
      } catch let error as NeedletailError {
        fail(error.description, ExitStatus(error.code))
      } catch {
        report(error)
      }
    }

    /// What ArgumentParser has to say: help goes out with success, the rest is a wrong usage.
    private static func report(_ error: any Error) -> Never {
      let code = exitCode(for: error)
      let message = fullMessage(for: error)
      if code.isSuccess {
        if !message.isEmpty { print(message) }
        finish(.success)
      }
      if let status = ExitStatus(rawValue: code.rawValue), message.isEmpty { finish(status) }
      let prefix = "Error: "
      let sentence = message.hasPrefix(prefix) ? String(message.dropFirst(prefix.count)) : message
      fail(negativeNumber(sentence) ?? sentence, ExitStatus(rawValue: code.rawValue) ?? .data)
    }

    /// A negative number looks like an option, so the parser says that the value is missing.
    private static func negativeNumber(_ message: String) -> String? {
      guard message.hasPrefix("Missing value for '") else { return nil }
      let arguments = CommandLine.arguments
      for (option, value) in zip(arguments, arguments.dropFirst()) {
        guard option.hasPrefix("--"), value.hasPrefix("-"), Double(value) != nil else { continue }
        return "\(option) is \(value); it must not be negative."
      }
      return nil
    }

    /// Says it when the environment asks for an instruction set that does not exist.
    private static func mentionUnknownKernels() {
      guard let name = ProcessInfo.processInfo.environment["NEEDLETAIL_ISA"], !name.isEmpty,
        !VectorIndex.knownKernelLevels.contains(name)
      else { return }
      let known = VectorIndex.knownKernelLevels.joined(separator: ", ")
      Terminal.writeError(
        "needletail: NEEDLETAIL_ISA is “\(name)”, which is unknown; known are \(known). Using "
          + "\(VectorIndex.kernelLevel).\n")
    }

    private static func fail(_ message: String, _ status: ExitStatus) -> Never {
      Terminal.writeError("needletail: \(message)\n")
      finish(status)
    }

    /// Ends the process; a standard output that could not be written is an error too.
    private static func finish(_ status: ExitStatus) -> Never {
      let isWritten = StandardOutput.isComplete()
      guard status == .success, !isWritten else { endProcess(status.rawValue) }
      Terminal.writeError(
        "needletail: Standard output cannot be written, so the answer is not complete.\n")
      endProcess(ExitStatus.io.rawValue)
    }
  }
#else
  #if canImport(Glibc)
    import Glibc
  #else
    import Darwin
  #endif

  /// Says why there is no command line in a build without the trait `Tools`.
  @main
  struct NeedletailCommand {
    static func main() {
      let message = """
        needletail: this was built without the trait Tools, which brings the command line. \
        Build it with: swift build -c release --traits Tools --product needletail

        """
      // SAFETY: the bytes live for the call.
      _ = unsafe Array(message.utf8).withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
      exit(64)
    }
  }
#endif
