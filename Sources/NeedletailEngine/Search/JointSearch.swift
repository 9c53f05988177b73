import NeedletailCore
import NeedletailKernels

/// One query's walks over several coded segments, which share one end.
///
/// Each walk comes near the query by itself. Then the distance that ends a search is that of the `k`-th nearest row
/// of all segments together, and each walk goes as far as that: about as far as one walk over all rows would.
/// While the codes of one walk travel, the others are scored.
@safe
struct JointSearch {
  // SAFETY: the searches lie in the scratch of the thread, as many as were begun; each has a scratch of its own.
  private let searches: UnsafeMutablePointer<CodedSearch>
  private let parameters: SearchParameters
  /// The distances of the nearest rows of all walks, ascending.
  private let nearest: UnsafeMutablePointer<Float>
  private(set) var count = 0
  /// How far each walk may go beyond the bound, as a share of its distance; 0 where windows end walks.
  private var ratio: Float = 0
  /// Walks that gathered rows which were not scored yet, a bit each.
  private var waiting: UInt32 = 0
  /// How far the walks may go together.
  private let bounds: WalkBounds
  /// Evaluations at which the clock is looked at next.
  private var look = 0
  /// The bounds that ended the walks.
  private(set) var cuts: SearchCuts = []

  /// The most walks of one search.
  static let most = 16
  /// How far a walk comes near by itself, as a multiple of the rows that it should answer with; three at least.
  ///
  /// By fewer it stops beside where the nearest are.
  static let approach = 2.4
  /// Evaluations for each walk, below which walks do not share an end.
  static let fewestEvaluations = 512
  /// Rows that are scored to find where the walk over a whole index begins; fewer for a part of it.
  static let entryRows = 32.0

  @unsafe
  init(
    _ parameters: SearchParameters, within bounds: WalkBounds,
    searches: UnsafeMutablePointer<CodedSearch>, nearest: UnsafeMutablePointer<Float>
  ) {
    self.bounds = bounds
    unsafe self.searches = searches
    unsafe self.nearest = nearest
    self.parameters = parameters
  }

  /// The rank whose distance is the bound.
  private var rank: Int {
    ratio > 0 ? max(parameters.k, parameters.stopRank) : max(1, parameters.efSearch)
  }
  /// Rows that must be known before there is a bound.
  private var required: Int { max(rank, parameters.k) }

  @unsafe
  subscript(number: Int) -> UnsafeMutablePointer<CodedSearch> { unsafe searches + number }

  /// Adds a walk that has not begun, over a share of all rows.
  ///
  /// - Precondition: there are fewer than the most.
  @unsafe
  mutating func add(_ search: CodedSearch, ratio: Float, share: Double) {
    let part = Self.approach * share
    let width = max(3, Int((part * Double(parameters.efSearch)).rounded(.up)))
    let rank = max(3, Int((part * Double(max(parameters.k, parameters.stopRank))).rounded(.up)))
    let capacity = search.walk.capacity
    unsafe (searches + count).initialize(to: search)
    // A walk that ends by distance ends by its rank; another one by its window.
    unsafe searches[count].walk.approach(
      window: min(capacity, ratio > 0 ? max(rank, parameters.efSearch) : width),
      least: min(capacity, ratio > 0 ? rank : 1))
    self.ratio = max(self.ratio, ratio)
    count += 1
  }

  /// Walks to the end.
  ///
  /// - Returns: the distance of the `k`-th nearest row; infinite where fewer were found.
  mutating func run() -> Float {
    while round() {}
    var attempts = 1
    while cuts.isEmpty, findNearest(required) < required, attempts < 32 {
      // Too few rows for a bound: farther in each of them.
      attempts += 1
      for number in 0..<count {
        let room = unsafe searches[number].walk.capacity
        let least = min(room, attempts &* required / count &+ 1)
        unsafe searches[number].walk.widen(window: least, least: least, beyond: 0)
      }
      while round() {}
    }
    while cuts.isEmpty {
      let found = findNearest(required)
      if found >= required { draw(unsafe nearest[rank - 1]) }
      if !round() { break }
    }
    let found = findNearest(parameters.k)
    return unsafe found == parameters.k ? nearest[found - 1] : .infinity
  }

  /// Moves the end of every walk to a bound.
  private mutating func draw(_ bound: Float) {
    for number in 0..<count {
      let prepared = unsafe searches[number].prepared
      let estimate = (bound - prepared.base) / prepared.unit - Float(prepared.shift)
      unsafe searches[number].walk.end(behind: estimate, ratio: ratio)
    }
  }

  /// Does one round of every walk that is not at its end.
  ///
  /// - Returns: whether there was one.
  private mutating func round() -> Bool {
    if bounds != .none, meetsBound() { return false }
    for number in 0..<count where unsafe searches[number].walk.gather() {
      waiting |= 1 << UInt32(number)
    }
    guard waiting != 0 else { return false }
    for number in 0..<count where waiting >> UInt32(number) & 1 != 0 {
      unsafe searches[number].walk.settle()
    }
    waiting = 0
    return true
  }

  /// Whether the next round of all walks could go over a bound.
  private mutating func meetsBound() -> Bool {
    guard cuts.isEmpty else { return true }
    var (scored, next) = (0, 0)
    for number in 0..<count {
      let walk = unsafe searches[number].walk
      scored &+= unsafe searches[number].entryRows &+ walk.scored
      next &+= walk.isOpen ? walk.widestRound : 0
    }
    if next > 0, scored &+ next > bounds.evaluations {
      cuts.insert(.evaluations)
    } else if bounds.deadline != .max, scored >= look {
      look = scored &+ HopWalk.evaluationsPerLook
      if nanoseconds() >= bounds.deadline { cuts.insert(.deadline) }
    }
    return !cuts.isEmpty
  }

  /// Puts the distances of the nearest rows that may be answers in order.
  ///
  /// - Returns: how many there are; at most `rank`.
  private func findNearest(_ rank: Int) -> Int {
    var size = 0
    for number in 0..<count {
      let search = unsafe searches + number
      let ranked = unsafe search.pointee.walk.ranked
      for place in 0..<ranked.count {
        let key = unsafe ranked[place]
        if let hidden = unsafe search.pointee.hidden, hidden.contains(key.ordinal) { continue }
        let distance = unsafe search.pointee.prepared.distance(key)
        if size == rank, unsafe distance >= nearest[size - 1] { break }
        if size < rank { size &+= 1 }
        var at = size &- 1
        while at > 0, unsafe nearest[at - 1] > distance {
          unsafe nearest[at] = nearest[at - 1]
          at &-= 1
        }
        unsafe nearest[at] = distance
      }
    }
    return size
  }
}

extension SegmentStack {
  /// Whether walks over the sealed parts can share one end.
  ///
  /// So few evaluations as would not let each of them come near are better shared out.
  func isJoint(_ parameters: SearchParameters) -> Bool {
    (parameters.evaluationLimit ?? .max) >= JointSearch.fewestEvaluations * sealed.count
      && parameters.heldOut == nil && sealed.count > 1
      && sealed.count <= JointSearch.most && sealed.allSatisfy { $0.segment.quantizer != nil }
  }

  /// Searches the sealed parts by walks that share one end.
  @unsafe
  func searchJointly(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, _ total: inout SearchOutcome,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) {
    let start = parameters.timesStages ? nanoseconds() : 0
    let scratches = try SearchScratch.ofThisThread(lanes: sealed.count + 1)
    let own = scratches[sealed.count]
    let rank = max(parameters.k, parameters.stopRank, parameters.efSearch)
    try own.reserve(rows: 1, width: rank, degree: 1, dimensions: 1)
    let found = unsafe try own.found(parameters.k)
    var within = WalkBounds.none
    for part in sealed {
      let bounds = parameters.bounds(spent: 0, part.segment.searchCosts)
      within.evaluations = bounds.evaluations
      within.deadline = min(within.deadline, bounds.deadline)
    }
    var joint = unsafe try JointSearch(
      parameters, within: within, searches: own.searches(sealed.count),
      nearest: own.buffers.distances)
    var segments: UInt64 = 0
    for (number, part) in sealed.enumerated() where part.count > 0 {
      var outcome = SearchOutcome()
      let share = Double(part.count) / Double(max(1, count))
      let entries = max(8, Int(JointSearch.entryRows * share.squareRoot()))
      guard
        let search = unsafe try part.segment.begin(
          query, parameters, scratches[number], &outcome, hiding: part.hidden, entries: entries,
          into: found)
      else {
        unsafe Self.merge(found, outcome.count, parameters.k, into: answers, &total.count)
        total.add(outcome)
        continue
      }
      total.cuts.formUnion(outcome.cuts)
      unsafe joint.add(search, ratio: part.segment.stopRatio(parameters), share: share)
      // Which segment is searched where, four bits each.
      segments |= UInt64(number) << UInt64(4 * (joint.count - 1))
    }
    let prepared = parameters.timesStages ? nanoseconds() : 0
    let bound = joint.run()
    total.cuts.formUnion(joint.cuts)
    let walked = parameters.timesStages ? nanoseconds() : 0
    for number in 0..<joint.count {
      let part = sealed[Int(segments >> UInt64(4 * number) & 15)]
      var outcome = SearchOutcome()
      unsafe part.segment.finish(
        &joint[number].pointee, parameters, upTo: bound, &outcome, found)
      unsafe Self.merge(found, outcome.count, parameters.k, into: answers, &total.count)
      total.add(outcome)
    }
    if parameters.timesStages {
      total.prepareNanoseconds += prepared - start
      total.walkNanoseconds += walked - prepared
      total.rerankNanoseconds += nanoseconds() - walked
    }
  }
}

extension SealedSegment {
  /// Turns the pool of one of several walks into answers, as far as they may be among the nearest of all.
  ///
  /// Those are up to the distance of the `k`-th, by estimates, and what rounding may hide.
  @unsafe
  fileprivate func finish(
    _ search: inout CodedSearch, _ parameters: SearchParameters, upTo bound: Float,
    _ outcome: inout SearchOutcome, _ answers: UnsafeMutablePointer<Neighbor>
  ) {
    var own = parameters
    if bound.isFinite {
      let ranked = unsafe search.walk.ranked
      var (nearer, place) = (0, 0)
      while place < ranked.count {
        let key = unsafe ranked[place]
        place &+= 1
        guard search.prepared.distance(key) <= bound else { break }
        if let hidden = search.hidden, hidden.contains(key.ordinal) { continue }
        nearer &+= 1
      }
      own.k = min(parameters.k, nearer &+ 1)
    }
    unsafe narrow(&search, own)
    unsafe refine(&search, own)
    search.describe(&outcome)
    // The end was that of all walks.
    outcome.cuts = search.isCoarse ? .rerank : []
    while unsafe fetch(&search) {}
    unsafe answer(search, parameters, &outcome, answers)
  }
}
