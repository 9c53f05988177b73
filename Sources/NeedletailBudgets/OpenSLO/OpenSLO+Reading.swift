extension OpenSLO {
  /// Reads documents, whatever they were written in.
  ///
  /// - Throws: everything that is wrong, or that an objective cannot say.
  package init(documents: [DocumentNode]) throws(InvalidBudget) {
    var reader = OpenSLOReader(documents)
    let (service, objectives) = reader.read()
    if let error = reader.faults.error(in: .list(documents)) { throw error }
    let leftOut = reader.notes.error(in: .list(documents))?.faults ?? []
    self.init(service: service, objectives: objectives, leftOut: leftOut)
  }
}

/// Puts objectives together from documents that refer to each other.
private struct OpenSLOReader {
  var faults = FaultList()
  /// What is left out without being a fault.
  var notes = FaultList()
  private let documents: [DocumentNode]
  /// Where the document of a kind and name stands.
  private var places: [String: Int] = [:]
  private var used: Set<Int> = []

  init(_ documents: [DocumentNode]) {
    self.documents = documents
    for (index, document) in documents.enumerated() {
      guard let name = document["metadata"]?["name"]?.string else { continue }
      let key = Self.key(document["kind"]?.string ?? "", name)
      if places[key] != nil {
        faults.add(
          DocumentPath([.index(index), .key("metadata"), .key("name")]),
          "Another document of this kind has the name \(quoted(name))",
          "Give it a name of its own.")
      }
      places[key] = places[key] ?? index
    }
  }

  mutating func read() -> (service: String, objectives: [Objective]) {
    var objectives: [Objective] = []
    var services: [String] = []
    for (index, document) in documents.enumerated() {
      let path = DocumentPath([.index(index)])
      checkHead(document, path)
      switch document["kind"]?.string {
      case "SLO":
        let name = document["spec"]?["service"]?.string
        if let name, !services.contains(name) { services.append(name) }
        objectives.append(contentsOf: objective(document, path))
      case "Service":
        if let name = document["metadata"]?["name"]?.string, !services.contains(name) {
          services.append(name)
        }
        checkKeys(document["spec"], ["description"], path.appending("spec"))
      default: break
      }
    }
    if services.count > 1 {
      faults.add(
        DocumentPath(),
        "The documents belong to the services \(services.map(quoted).joined(separator: ", "))",
        "A budget is that of one service: keep the others in a file of their own.")
    }
    for (index, document) in documents.enumerated() where !used.contains(index) {
      guard let kind = document["kind"]?.string,
        ["SLI", "AlertPolicy", "AlertCondition"].contains(kind)
      else { continue }
      faults.add(
        DocumentPath([.index(index)]), "No objective refers to this \(kind)",
        "Refer to it, or leave it out: a budget keeps only what belongs to an objective.")
    }
    return (services.first ?? "", objectives)
  }

  private mutating func checkHead(_ document: DocumentNode, _ path: DocumentPath) {
    checkKeys(document, ["apiVersion", "kind", "metadata", "spec"], path)
    checkKeys(
      document["metadata"], ["name", "displayName", "annotations"], path.appending("metadata"))
    checkAnnotations(document["metadata"], path.appending("metadata"))
    if document["apiVersion"]?.string != OpenSLO.apiVersion {
      faults.add(
        path.appending("apiVersion"), "This is not \(OpenSLO.apiVersion)",
        "Write apiVersion: \(OpenSLO.apiVersion).")
    }
    if document["metadata"]?["name"]?.string == nil {
      faults.add(path.appending("metadata"), "It has no name", "Write one.")
    }
    let known = ["SLO", "SLI", "AlertPolicy", "AlertCondition", "Service"]
    if !known.contains(document["kind"]?.string ?? "") {
      faults.add(
        path.appending("kind"),
        "\(document["kind"]?.kind ?? "Nothing") is no kind that a budget can say",
        "Known are \(known.joined(separator: ", ")).")
    }
  }

  private mutating func objective(_ document: DocumentNode, _ path: DocumentPath) -> [Objective] {
    let spec = document["spec"] ?? .object([])
    let place = path.appending("spec")
    checkKeys(
      spec,
      [
        "description", "service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod",
        "objectives", "alertPolicies",
      ], place)
    let metadata = document["metadata"]
    // Others put sentences into the display name; a name of ours stands there where the plain one is another.
    let shown = metadata?["displayName"]?.string ?? ""
    let name = isName(shown) ? shown : metadata?["name"]?.string ?? ""
    if !isName(name) {
      faults.add(
        path.appending("metadata").appending("name"),
        "\(quoted(name)) is no name of an objective",
        "Write 1 to 64 letters, digits, dots, dashes or underscores.")
    }
    expect(spec["budgetingMethod"], ["Occurrences"], place.appending("budgetingMethod"))
    let indicator = indicator(of: spec, metadata, place)
    let window = window(spec["timeWindow"], place.appending("timeWindow"))
    let target = target(spec["objectives"], place.appending("objectives"))
    let alerts = (spec["alertPolicies"]?.items ?? []).enumerated().compactMap {
      alert($1, place.appending("alertPolicies").appending($0))
    }
    guard let indicator, let window, let target else { return [] }
    let objective = Objective(
      name: name, indicator: indicator, target: target, window: window, alerts: alerts)
    objective.checkFields(place, &faults)
    return [objective]
  }

  private mutating func indicator(
    of spec: DocumentNode, _ metadata: DocumentNode?, _ place: DocumentPath
  ) -> Indicator? {
    var path = place.appending("indicator")
    var sli = spec["indicator"]?["spec"]
    var ownMetadata = spec["indicator"]?["metadata"]
    if let reference = spec["indicatorRef"]?.string {
      (sli, path) = referred("SLI", reference, place.appending("indicatorRef"))
      ownMetadata = places[Self.key("SLI", reference)].flatMap { documents[$0]["metadata"] }
    } else {
      checkAnnotations(ownMetadata, path.appending("metadata"))
      path = path.appending("spec")
    }
    guard let sli else {
      faults.add(rule: path, "The SLI is missing", "Write one, or the name of one as indicatorRef.")
      return nil
    }
    let type = Self.sourceType(of: sli)
    if type != OpenSLO.source,
      let annotated = [ownMetadata, metadata].compactMap({ $0?["annotations"] }).first(where: {
        $0[OpenSLO.annotation + "indicator"] != nil
      })
    {
      notes.add(
        path, "The metric source, \(type.map(quoted) ?? "without a type"), is left out",
        "The service counts these events itself, as the annotation says.")
      return indicator(annotated, OpenSLO.annotation, place)
    }
    checkKeys(sli, ["description", "ratioMetric"], path)
    path = path.appending("ratioMetric")
    checkKeys(sli["ratioMetric"], ["counter", "good", "total"], path)
    let source = sli["ratioMetric"]?["good"]?["metricSource"]
    path = path.appending("good").appending("metricSource")
    let kind = source?["spec"]?["indicator"]?.string.flatMap(IndicatorKind.init(rawValue:))
    guard source?["type"]?.string == OpenSLO.source, let kind else {
      faults.add(
        rule: path, "The budget cannot measure this indicator",
        "Write ratioMetric.good.metricSource with the type \(OpenSLO.source), and a spec with "
          + "indicator: latency, fullQuality or recall; or say which of them it is with "
          + "metadata.annotations: {\(OpenSLO.annotation)indicator: latency}.")
      return nil
    }
    let fields = source?["spec"]
    let latencyKeys = kind == .latency ? ["within", "tier"] : []
    checkKeys(fields, ["indicator", "events"] + latencyKeys, path.appending("spec"))
    guard let fields else { return nil }
    return indicator(fields, "", path.appending("spec"))
  }

  /// The indicator that an object names with keys that begin alike.
  private mutating func indicator(
    _ fields: DocumentNode, _ prefix: String, _ path: DocumentPath
  ) -> Indicator? {
    let word = expect(
      fields[prefix + "indicator"], IndicatorKind.allCases.map(\.rawValue),
      path.appending(prefix + "indicator"))
    let tier = fields[prefix + "tier"]
    let within = fields[prefix + "within"]
    switch word.flatMap(IndicatorKind.init(rawValue:)) {
    case .none: return nil
    case .fullQuality: return .fullQuality
    case .recall: return .recall
    case .latency:
      if let tier, tier.string == nil {
        faults.add(
          path.appending(prefix + "tier"), "A tier's name is wanted, and this is \(tier.kind)",
          "Write it in quotes, or leave it out.")
      }
      // An annotation that is left out means the usual one; a source of ours always says it.
      let target =
        within == nil && !prefix.isEmpty
        ? nil
        : expect(within, LatencyTarget.allCases.map(\.rawValue), path.appending(prefix + "within"))
      return .latency(target.flatMap(LatencyTarget.init(rawValue:)) ?? .p99, tier: tier?.string)
    }
  }

  /// The type of the source of an SLI, of whichever kind that is.
  private static func sourceType(of sli: DocumentNode) -> String? {
    let ratio = sli["ratioMetric"]
    let metrics = [ratio?["good"], ratio?["bad"], ratio?["raw"], sli["thresholdMetric"]]
    return metrics.lazy.compactMap { $0?["metricSource"]?["type"]?.string }.first
  }

  /// Notes what others' tools are told, and blames what is meant for this and not known.
  private mutating func checkAnnotations(_ metadata: DocumentNode?, _ path: DocumentPath) {
    let known = ["indicator", "within", "tier"].map { OpenSLO.annotation + $0 }
    for entry in metadata?["annotations"]?.entries ?? [] where !known.contains(entry.key) {
      let place = path.appending("annotations").appending(entry.key)
      if entry.key.hasPrefix(OpenSLO.annotation) {
        faults.add(
          place, at: entry.keyPosition, "There is no such annotation",
          nearest(to: entry.key, among: known).map { "Did you mean “\($0)”?" }
            ?? "Known are \(known.joined(separator: ", ")).")
      } else {
        notes.add(
          place, at: entry.keyPosition, "The annotation is left out",
          "It is for another tool; keep it there.")
      }
    }
  }

  private mutating func window(_ node: DocumentNode?, _ path: DocumentPath) -> Duration? {
    let window = node?.items?.first
    checkKeys(window, ["duration", "isRolling"], path.appending(0))
    guard node?.items?.count == 1, case .flag(true)? = window?["isRolling"]?.value,
      let duration = window?["duration"]?.string.flatMap(Units.duration)
    else {
      faults.add(
        rule: path, "One rolling window with a duration in m, h, d or w is wanted",
        "Write [{duration: 28d, isRolling: true}]; a budget knows no calendars.")
      return nil
    }
    return duration
  }

  private mutating func target(_ node: DocumentNode?, _ path: DocumentPath) -> Double? {
    let first = node?.items?.first
    checkKeys(first, ["displayName", "target", "targetPercent"], path.appending(0))
    let target: Double? =
      if case .number(let text)? = first?["target"]?.value {
        Double(text)
      } else if case .number(let text)? = first?["targetPercent"]?.value {
        Units.share(text + "%")
      } else {
        nil
      }
    guard let target, node?.items?.count == 1 else {
      faults.add(
        rule: path, "One target is wanted",
        "Write [{target: 0.99}], and another SLO for another one.")
      return nil
    }
    return target
  }

  private mutating func alert(_ node: DocumentNode, _ path: DocumentPath) -> BurnRateAlert? {
    var path = path
    var policy = node["spec"]
    if let reference = node["alertPolicyRef"]?.string {
      (policy, path) = referred("AlertPolicy", reference, path.appending("alertPolicyRef"))
    }
    guard let policy else {
      faults.add(
        rule: path, "The alert policy is missing", "Write it, or its name as alertPolicyRef.")
      return nil
    }
    checkKeys(
      policy,
      [
        "description", "alertWhenBreaching", "alertWhenResolved", "alertWhenNoData", "conditions",
        "notificationTargets",
      ], path)
    for key in ["alertWhenResolved", "alertWhenNoData"] {
      if case .flag(true)? = policy[key]?.value {
        faults.add(
          path.appending(key), "Alerts of a budget are for breaches alone", "Leave it out.")
      }
    }
    if case .flag(false)? = policy["alertWhenBreaching"]?.value {
      faults.add(
        path.appending("alertWhenBreaching"), "Alerts of a budget are for breaches", "Write true.")
    }
    if let targets = policy["notificationTargets"]?.items, !targets.isEmpty {
      faults.add(
        path.appending("notificationTargets"), "A budget does not say who is notified",
        "Leave them out; hand alerts on where they are received.")
    }
    guard let item = policy["conditions"]?.items?.first, policy["conditions"]?.items?.count == 1
    else {
      faults.add(rule: path.appending("conditions"), "One condition is wanted", "Write one.")
      return nil
    }
    path = path.appending("conditions").appending(0)
    guard let reference = item["conditionRef"]?.string else {
      return condition(item["spec"], path.appending("spec"))
    }
    let (spec, place) = referred("AlertCondition", reference, path.appending("conditionRef"))
    return condition(spec, place)
  }

  private mutating func condition(
    _ spec: DocumentNode?, _ path: DocumentPath
  ) -> BurnRateAlert? {
    checkKeys(spec, ["description", "severity", "condition"], path)
    let severity = expect(
      spec?["severity"], BurnRateAlert.Severity.allCases.map(\.rawValue),
      path.appending("severity"))
    let place = path.appending("condition")
    let condition = spec?["condition"]
    checkKeys(condition, ["kind", "op", "threshold", "lookbackWindow", "alertAfter"], place)
    if condition?["kind"] != nil {
      expect(condition?["kind"], ["burnrate"], place.appending("kind"))
    }
    if condition?["op"] != nil { expect(condition?["op"], ["gte", "gt"], place.appending("op")) }
    guard case .number(let text)? = condition?["threshold"]?.value, let burnRate = Double(text),
      let long = condition?["lookbackWindow"]?.string.flatMap(Units.duration),
      let short = condition?["alertAfter"]?.string.flatMap(Units.duration), let severity
    else {
      faults.add(
        rule: place, "A threshold, a lookbackWindow and an alertAfter are wanted",
        "Write {kind: burnrate, threshold: 14.4, lookbackWindow: 1h, alertAfter: 5m}.")
      return nil
    }
    return BurnRateAlert(
      burnRate: burnRate, long: long, short: short,
      severity: BurnRateAlert.Severity(rawValue: severity) ?? .page)
  }

  /// What a name stands for, and where that is.
  private mutating func referred(
    _ kind: String, _ name: String, _ path: DocumentPath
  ) -> (DocumentNode?, DocumentPath) {
    guard let index = places[Self.key(kind, name)] else {
      faults.add(
        path, "There is no \(kind) called \(quoted(name))", "Put its document into the same file.")
      return (nil, path)
    }
    used.insert(index)
    return (documents[index]["spec"], DocumentPath([.index(index), .key("spec")]))
  }

  /// Names the keys that nothing would be made of.
  private mutating func checkKeys(_ node: DocumentNode?, _ known: [String], _ path: DocumentPath) {
    for entry in node?.entries ?? [] where !known.contains(entry.key) {
      faults.add(
        path.appending(entry.key), at: entry.keyPosition, "A budget cannot say this",
        nearest(to: entry.key, among: known).map { "Did you mean “\($0)”?" } ?? "Leave it out.")
    }
  }

  /// The word that stands there, if it is one of those that are known.
  @discardableResult
  private mutating func expect(
    _ node: DocumentNode?, _ words: [String], _ path: DocumentPath
  ) -> String? {
    if let word = node?.string, words.contains(word) { return word }
    faults.add(
      path, "\(node?.kind ?? "Nothing") stands here, and a budget cannot say it",
      "Write \(words.joined(separator: " or ")).")
    return nil
  }

  private static func key(_ kind: String, _ name: String) -> String { "\(kind)/\(name)" }
}
