#if Tools
  public import ArgumentParser
  import Foundation
  public import Needletail
  public import NeedletailCore

  extension Metric: ExpressibleByArgument {}
  extension CodeKind: ExpressibleByArgument {}
  extension IndexMode: ExpressibleByArgument {}
  extension PreciseRows: ExpressibleByArgument {}

  /// The switch that every command has.
  struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Write one JSON document to standard output, and nothing else.")
    var json = false
  }

  /// How wide the walk of a search is: as such, or by the recall that is wanted.
  struct WidthOptions: ParsableArguments {
    @Option(help: "The width of the walk: more finds more and takes longer. (default: 64)")
    var ef: Int?
    @Option(help: "The recall that is wanted: the width is what tuning measured for it.")
    var recall: Double?

    func validate() throws {
      if let ef { try Check.width(ef) }
      if let recall { try Check.recall(recall) }
      guard ef == nil || recall == nil else {
        throw ValidationError("--ef and --recall both say how wide the walk is; give one of them.")
      }
    }

    /// Options of a search of that width.
    var options: SearchOptions {
      if let recall { return SearchOptions(recall: recall) }
      return ef.map { SearchOptions(efSearch: $0) } ?? SearchOptions()
    }
  }

  /// What those commands have that publish a generation of an index.
  struct KeepOptions: ParsableArguments {
    @Option(help: "Generations to keep, the one in use among them.")
    var keep = WritingOptions().keptGenerations

    func validate() throws {
      guard (1...1_000_000).contains(keep) else {
        throw ValidationError("--keep is \(keep); it is 1 to 1000000.")
      }
    }
  }

  /// Whole numbers with commas between them: `10,16,24`.
  struct NumberList: ExpressibleByArgument {
    var values: [Int]

    init?(argument: String) {
      let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
      let values = parts.compactMap { Int($0) }
      guard !values.isEmpty, values.count == parts.count else { return nil }
      self.values = values
    }

    init(_ values: [Int]) { self.values = values }

    var defaultValueDescription: String { values.map(String.init).joined(separator: ",") }
  }

  /// Numbers with commas between them: `0.9,0.95`.
  struct RecallList: ExpressibleByArgument {
    var values: [Double]

    init?(argument: String) {
      let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
      values = parts.compactMap { Double($0) }
      guard !values.isEmpty, values.count == parts.count else { return nil }
    }
  }

  /// Checks that belong to more than one command.
  enum Check {
    static func threads(_ threads: Int) throws {
      guard (1...1024).contains(threads) else {
        throw ValidationError("--threads is \(threads); give a number from 1 to 1024.")
      }
    }

    static func neighbors(_ k: Int) throws {
      guard (1...Limits.neighborsPerQuery).contains(k) else {
        throw ValidationError(
          "--k is \(k); ask for 1 to \(Limits.neighborsPerQuery) neighbours.")
      }
    }

    static func width(_ efSearch: Int) throws {
      guard (1...Limits.searchWidth).contains(efSearch) else {
        throw ValidationError("--ef is \(efSearch); give a number from 1 to \(Limits.searchWidth).")
      }
    }

    static func links(_ m: Int) throws {
      guard (2...Limits.m).contains(m) else {
        throw ValidationError("--m is \(m); give a number from 2 to \(Limits.m).")
      }
    }

    static func construction(_ width: Int) throws {
      guard (1...Limits.searchWidth).contains(width) else {
        throw ValidationError(
          "--ef-construction is \(width); give a number from 1 to \(Limits.searchWidth).")
      }
    }

    static func seconds(_ seconds: Double) throws {
      guard seconds > 0, seconds <= 1e6 else {
        throw ValidationError("--tune-seconds is \(seconds); give a positive number.")
      }
    }

    static func recall(_ recall: Double) throws {
      guard recall > 0, recall <= 1 else {
        throw ValidationError("--recall is \(recall); give a number above 0 and at most 1.")
      }
    }

    /// The processors that may be used.
    static var cores: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }
  }
#endif
