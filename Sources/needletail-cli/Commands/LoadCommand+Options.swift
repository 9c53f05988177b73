#if Tools
  public import ArgumentParser
  import Foundation
  import Needletail
  import NeedletailCore
  public import NeedletailEvaluation

  extension LoadCriterion: ExpressibleByArgument {}

  /// What a load run is judged by, and whether it decides how the command ends.
  struct JudgingOptions: ParsableArguments {
    @Flag(help: "End with 1 where the budget is broken or the run is invalid.")
    var gate = false
    @Option(
      name: .customLong("criterion"), parsing: .singleValue,
      help: "End with 1 where this does not hold; see above. As often as you like.")
    var criteria: [LoadCriterion] = []
    @Option(help: "For overload: the best there is. (default: what calmer parts show)")
    var peak: String?
    @Option(help: "For tenants: the report of a former run, which --json wrote.")
    var beside: String?

    func validate() throws {
      guard peak == nil || criteria.contains(.overload) else {
        throw ValidationError("--peak serves --criterion overload; give both, or leave it out.")
      }
      guard criteria.contains(.tenants) == (beside != nil) else {
        throw ValidationError(
          "--criterion tenants compares with a former run; give both, it and --beside REPORT.json.")
      }
    }

    /// Refuses criteria that lack what they go by.
    func check(budget: String?, deadline: String?, groundtruth: String?) throws {
      guard !gate || budget != nil else {
        throw ValidationError("--gate judges by a budget; give --budget.")
      }
      for criterion in criteria {
        switch criterion {
        case .tiers, .ladder:
          guard budget != nil else {
            throw ValidationError(
              "--criterion \(criterion.rawValue) judges by a budget; give --budget.")
          }
          guard criterion == .tiers || groundtruth != nil else {
            throw ValidationError(
              "--criterion ladder asks for the recall of each rung; give --groundtruth.")
          }
        case .guard, .overload:
          guard budget != nil || deadline != nil else {
            throw ValidationError(
              "--criterion \(criterion.rawValue) needs to know what is in time; give --budget or "
                + "--deadline.")
          }
        case .priorities, .tenants, .backpressure, .ledger, .warm: break
        }
      }
    }

    /// What the criteria go by beside the run.
    func basis() throws -> LoadCriterion.Basis {
      let rate = try peak.map { peak in
        guard let rate = LoadSchedule.requestsPerSecond(parsing: peak) else {
          throw ValidationError("--peak is “\(peak)”; write it like 1900qps.")
        }
        return rate
      }
      return LoadCriterion.Basis(
        peakGoodput: rate, former: try beside.map { try Self.report($0) })
    }

    /// The verdicts that were asked for: the gate's unless only criteria were named, and theirs.
    func verdicts(_ report: LoadReport, _ basis: LoadCriterion.Basis) -> [LoadVerdict] {
      var verdicts =
        gate || criteria.isEmpty ? LoadGate.verdicts(report) : [LoadGate.schedule(report)]
      for verdict in criteria.flatMap({ $0.verdicts(report, basis: basis) })
      where !verdicts.contains(verdict) {
        verdicts.append(verdict)
      }
      return verdicts
    }

    /// Ends with 1 where something does not hold that the command was asked to insist on.
    func insist(on verdicts: [LoadVerdict], silently: Bool) throws {
      let broken = verdicts.filter { !$0.isMet }
      guard gate || !criteria.isEmpty, !broken.isEmpty else { return }
      if silently { throw ExitCode(ExitStatus.broken.rawValue) }
      let subject = criteria.isEmpty ? "The budget is broken" : "This does not hold"
      throw CommandFailure(
        .broken, "\(subject): \(broken.map(\.name).joined(separator: "; ")).")
    }

    private static func report(_ path: String) throws -> LoadReport {
      try Inputs.refuseDirectory(path, wanted: "a report of needletail load --json")
      guard let handle = FileHandle(forReadingAtPath: path) else {
        throw CommandFailure(.noInput, "There is no file \(path) that could be read.")
      }
      let decoder = JSONDecoder()
      decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
      // The longest run has a few thousand slices; what goes on after 64 MiB is something else.
      guard let bytes = try? handle.read(upToCount: 1 << 26),
        let report = try? decoder.decode(LoadReport.self, from: bytes)
      else {
        throw CommandFailure(
          .data,
          "\(path) is no report of a load run; write one with needletail load … --json > \(path).")
      }
      return report
    }
  }

  /// What is written beside a load, and where.
  struct WritesOptions: ParsableArguments {
    @Option(help: "Upserts a second beside the load, like 500/s.")
    var writes: String?
    @Option(
      name: .customLong("write-vectors"),
      help: "What is written, under new ids. (default: vectors of the index, as they are)")
    var vectors: String?
    @Flag(
      name: .customLong("keep-writes"),
      help: "Write to the index itself, and not to a copy that is removed.")
    var keepsWrites = false

    func validate() throws {
      guard writes != nil || vectors == nil && !keepsWrites else {
        throw ValidationError(
          "--write-vectors and --keep-writes serve --writes; give it, like --writes 500/s.")
      }
    }

    /// Refuses writes that make an exact answer wrong.
    func check(groundtruth: String?) throws {
      guard vectors == nil || groundtruth == nil else {
        throw ValidationError(
          "--write-vectors adds neighbours that --groundtruth does not know; leave one of them out."
        )
      }
    }

    /// Writes a second; nil: nothing is written.
    func perSecond() throws -> Double? {
      try writes.map { writes in
        guard let rate = LoadWrites.perSecond(parsing: writes) else {
          throw ValidationError(
            "--writes is “\(writes)”; write it like 500/s, above 0 and at most 1000000/s.")
        }
        return rate
      }
    }

    /// What the report says of them.
    var fact: LoadReport.LoadFact? {
      writes.map { writes in
        LoadReport.LoadFact(
          name: "Writes",
          value: "\(writes) of \(vectors ?? "the index's own vectors"), "
            + (keepsWrites ? "kept" : "to a copy"))
      }
    }
  }
#endif
