#if Tools
  import Foundation
  import NeedletailBudgets
  import NeedletailBudgetsYAML
  import NeedletailCore
  import NeedletailGovernance

  /// Reads what a command takes for a budget: JSON, YAML, or the log of one, whose budget is the one in force.
  enum BudgetInputs {
    /// The budget of a file.
    ///
    /// - Throws: 66 when there is none, 74 when it cannot be read, 65 with a line for each fault.
    static func budget(_ path: String) throws -> PerformanceBudget {
      let bytes = try bytes(path)
      if isLog(bytes) { return try GovernanceLog(contentsOf: path).budget }
      do {
        return try parse(bytes, path)
      } catch let faults as InvalidBudget {
        throw CommandFailure(.data, message(faults, path))
      }
    }

    /// As `budget`, with what is wrong as a value.
    static func judged(_ path: String) throws -> Result<PerformanceBudget, InvalidBudget> {
      let bytes = try bytes(path)
      if isLog(bytes) { return .success(try GovernanceLog(contentsOf: path).budget) }
      do {
        return .success(try parse(bytes, path))
      } catch let faults as InvalidBudget {
        return .failure(faults)
      }
    }

    /// What is wrong, a line for each fault, as editors and their users read it.
    static func message(_ faults: InvalidBudget, _ path: String) -> String {
      self.faults(faults, path, "is not a budget yet")
    }

    /// The same for a file that is to be something else.
    static func faults(_ faults: InvalidBudget, _ path: String, _ meaning: String) -> String {
      var lines = [
        faults.count == 1
          ? "\(path) has a fault, and \(meaning):"
          : "\(path) has \(faults.count) faults, and \(meaning):"
      ]
      lines += faults.faults.map { "\(path):\($0)" }
      if faults.count > faults.faults.count {
        lines.append("… and \(faults.count - faults.faults.count) more")
      }
      return lines.joined(separator: "\n")
    }

    /// The bytes of a file, up to what a document may have.
    static func bytes(
      _ path: String, wanted: String = "a budget, a file of JSON or YAML"
    ) throws -> [UInt8] {
      try Inputs.refuseDirectory(path, wanted: wanted)
      guard Inputs.isDirectory(path) != nil else {
        throw CommandFailure(.noInput, "There is no file \(path).")
      }
      // A log may be longer than a budget; its beginning shows which of them it is.
      return try PerformanceBudget.bytes(of: path)
    }

    private static func parse(_ bytes: [UInt8], _ path: String) throws -> PerformanceBudget {
      switch URL(fileURLWithPath: path).pathExtension.lowercased() {
      case "json": return try PerformanceBudget(json: bytes)
      case "yaml", "yml": return try PerformanceBudget(yaml: bytes)
      default:
        let first = bytes.first { $0 > 0x20 }
        return first == UInt8(ascii: "{")
          ? try PerformanceBudget(json: bytes) : try PerformanceBudget(yaml: bytes)
      }
    }

    /// Whether the file begins as a log does.
    private static func isLog(_ bytes: [UInt8]) -> Bool {
      bytes.count > 66 && bytes[64] == 0x20 && bytes[65] == UInt8(ascii: "{")
        && bytes[..<64].allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
  }
#endif
