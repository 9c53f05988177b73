#if Logging
  import Logging
  import NeedletailBudgets
  import NeedletailCore

  /// An event in the words of a log.
  struct ServiceLogLine {
    var level: Logger.Level
    var message: String
    var metadata: Logger.Metadata
    /// The kind by which lines are counted; `nil`: it is always written.
    var limitedKind: String?

    init(_ event: ServiceEvent) {
      switch event {
      case .tier(let from, let to, let load):
        self.init(
          .notice, "The tier of load changed.", kind: "tier",
          ["from": "\(from)", "to": "\(to)", "load": Self.share(load)])
      case .rungs(let rungs, let load):
        var metadata: Logger.Metadata = ["load": Self.share(load)]
        for priority in PriorityClass.allCases {
          metadata[priority.rawValue] = "\(rungs[priority].rawValue)"
        }
        self.init(.notice, "Classes stand on other rungs.", kind: "rungs", metadata)
      case .alert(let alert):
        self.init(
          alert.isFiring ? .error : .notice,
          alert.isFiring ? "An error budget burns too fast." : "An alert is resolved.", kind: nil,
          [
            "objective": "\(alert.objective)", "severity": "\(alert.rule.severity.rawValue)",
            "longBurn": Self.share(Double(alert.longBurn) / 1_000),
            "shortBurn": Self.share(Double(alert.shortBurn) / 1_000),
            "threshold": Self.share(Double(alert.rule.burn) / 1_000),
            "longSeconds": "\(alert.rule.long / .second)",
            "shortSeconds": "\(alert.rule.short / .second)",
          ])
      case .scale(let workers, let load):
        self.init(
          .info, "The load asks for another number of workers.", kind: "scale",
          ["workers": "\(workers)", "load": Self.share(load)])
      case .recallDrift(let rung, let estimate, let floor):
        self.init(
          .warning, "A rung finds less than the tier asks for.", kind: "recallDrift",
          [
            "rung": "\(rung.rawValue)", "recall": Self.share(estimate), "floor": Self.share(floor),
          ])
      case .flag(let name, let isOn):
        self.init(
          .notice, "A flag was turned \(isOn ? "on" : "off").", kind: "flag:\(name)",
          ["flag": "\(name)", "isOn": "\(isOn)"])
      case .budget(let differences):
        self.init(
          .notice, "Another budget is kept.", kind: nil,
          [
            "fields": .array(
              differences.map {
                "\($0.field): \($0.old ?? "none") to \($0.new ?? "none")"
              })
          ])
      case .memory(let component, let used, let limit, let isAtLimit):
        let name = component?.rawValue ?? "total"
        self.init(
          isAtLimit ? .warning : .notice,
          isAtLimit ? "Memory has come to its ceiling." : "Memory is below its ceiling again.",
          kind: "memory:\(name)",
          ["component": "\(name)", "used": "\(used)", "limit": "\(limit)"])
      case .quarantined(let segment, let error):
        self.init(
          .error, "A damaged segment is not searched any more.", kind: nil,
          ["segment": "\(segment)", "error": "\(error)"])
      case .failure(let error):
        self.init(
          .error, "\(error)", kind: "failure:\(error.code)", ["code": "\(error.code)"])
      }
    }

    private init(
      _ level: Logger.Level, _ message: String, kind: String?, _ metadata: Logger.Metadata
    ) {
      self.level = level
      self.message = message
      self.metadata = metadata
      limitedKind = kind
    }

    /// A share to the thousandth: `0.912`.
    private static func share(_ value: Double) -> Logger.MetadataValue {
      guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
      return "\((value * 1_000).rounded() / 1_000)"
    }
  }
#endif
