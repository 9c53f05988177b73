#if Tools
  import Needletail
  import NeedletailBudgets
  import NeedletailCore
  import NeedletailEvaluation

  /// What a decision by a budget came to, as text and as a document.
  struct DecisionReport {
    var budgetPath: String
    var budget: PerformanceBudget
    var limits: BudgetLimits
    var decision: Decision
    var scale: DecisionTrial.Scale
    var queryCount: Int
    var isHeldOut: Bool
    var k: Int
    var seed: UInt64?
    var elapsed: Duration
    /// The index that was judged, or the file that one is to be built of.
    var index: String?
    var base: String?
    var metric: Metric
    var preciseRows: PreciseRows

    /// Where more recall no longer pays.
    var stop: StopRule? { decision.stop }

    /// What to build and search with.
    var chosen: FrontPoint? { stop.map { decision.front[$0.place] } }

    /// The call that builds a candidate; `nil` for an index that is there.
    func command(_ candidate: DecisionCandidate) -> [String]? {
      guard let base else { return nil }
      let design = candidate.design
      var rows = candidate.rerank.needsRows ? preciseRows : .none
      if design.layout.codes == "none", rows == .none { rows = preciseRows }
      var options =
        "--m \(design.m) --ef-construction \(design.efConstruction) --mode \(design.layout.mode)"
        + " --codes \(design.layout.codes)"
      if rows != .float32 { options += " --rerank \(rows.rawValue)" }
      if let seed, seed != 1 { options += " --seed \(seed)" }
      return [
        "needletail build --input \(base) --metric \(metric.rawValue) --output DIR", options,
      ]
    }

    /// The fields of the envelope that a candidate fills.
    func envelope(_ judged: JudgedCandidate) -> Envelope {
      Envelope(
        m: judged.candidate.design.m, efConstruction: judged.candidate.design.efConstruction,
        efSearch: judged.candidate.efSearch,
        bytesPerVector: Int(judged.bytes.perVector.rounded(.up)))
    }

    struct Envelope: Encodable {
      var m: Int
      var efConstruction: Int
      var efSearch: Int
      var bytesPerVector: Int
    }

    /// What stands where nothing keeps the budget.
    var refusal: String {
      guard let nearest = decision.nearest, let use = nearest.binding else {
        return "Nothing of what was tried keeps \(budgetPath). Allow more values of --m."
      }
      let candidate = nearest.candidate
      var text = "Nothing that was tried keeps \(budgetPath). What comes nearest, "
      text += DecisionWording.name(candidate)
      text += ", breaks \(use.limit.field): \(DecisionWording.breach(use)). "
      return text + DecisionWording.advice(use.limit.quantity)
    }
  }

  extension DecisionReport {
    struct Document: Encodable {
      struct Work: Encodable {
        var builds: Int
        var evaluations: Int
        var gridBuilds: Int
        var gridEvaluations: Int
      }

      struct Choice: Encodable {
        var candidate: DecisionCandidate
        var envelope: Envelope
        var build: String?
      }

      var budget: String
      var path: String
      var isFeasible: Bool
      var note: String?
      var k: Int
      var seed: UInt64?
      var queries: Int
      var scale: DecisionTrial.Scale
      var seconds: Double
      var limits: [DecisionLimit]
      var work: Work
      var front: [FrontPoint]
      var bytesFront: [FrontPoint]
      var fastest: Choice?
      var chosen: Choice?
      var stop: StopRule?
      var nearest: JudgedCandidate?
      var judged: [JudgedCandidate]
    }

    var document: Document {
      func choice(_ judged: JudgedCandidate?) -> Document.Choice? {
        judged.map {
          Document.Choice(
            candidate: $0.candidate, envelope: envelope($0),
            build: command($0.candidate)?.joined(separator: " "))
        }
      }
      return Document(
        budget: budgetPath, path: index ?? base ?? "", isFeasible: decision.fastest != nil,
        note: limits.note, k: k, seed: seed, queries: queryCount, scale: scale,
        seconds: elapsed / .seconds(1), limits: limits.limits,
        work: .init(
          builds: decision.builds, evaluations: decision.evaluations,
          gridBuilds: decision.gridBuilds, gridEvaluations: decision.gridEvaluations),
        front: decision.front, bytesFront: decision.bytesFront, fastest: choice(decision.fastest),
        chosen: choice(chosen?.judged),
        stop: stop, nearest: decision.nearest, judged: decision.judged)
    }
  }
#endif
