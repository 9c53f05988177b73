import Needletail
import NeedletailBudgets
import NeedletailCore
import Synchronization

/// The result cache of a service, and what keeps it true while its index is written to.
///
/// Writes that go through the service end exactly the answers that they touch. What others write, in this process or in another one, is
/// looked for ten times a second (`ServiceRuntime.follow`), and ends every answer; what was withdrawn is looked for in each answer before it is given.
final class AnswerCache: Sendable {
  /// Filters that list more are not kept under: their answers would weigh more than they save.
  private static let longestFilter = 4_096

  let answers: ResultCache<IndexJudge>
  private let judge: IndexJudge
  private let rerank: SearchOptions.Rerank
  private let known: Guarded<Known>
  private let saver: CacheSaver<IndexJudge>?
  /// What rungs mean: answers of other settings are none of this service's.
  private let meaning: Guarded<[UInt8]?>
  /// How a search at full quality is made.
  private let full: SearchOptions
  /// Questions worth asking in idle moments.
  private let prefetcher: Guarded<Prefetcher<TransitionPredictor>>
  /// Whether it is guessed what sessions ask next.
  private let guesses: Atomic<Bool>
  /// Whether answers are kept over a restart.
  private let isPersistent: Atomic<Bool>
  private let isOn = Atomic(true)

  /// Whether the budget has a cache; one that it has no more holds nothing, and ends what it began.
  var isInUse: Bool { isOn.load(ordering: .relaxed) }

  /// Which changes the cache was told of.
  private struct Known {
    var index: VectorIndex
    /// Rises with each index.
    var epoch = 0
    /// The generation that was seen last: a rollback and a bulk commit make one without a write's number.
    var generation: Int
    /// Looks in which writes were missing between those that are known.
    var gaps = 0
    /// All writes up to this one.
    var sequence: UInt64
    /// Writes beyond it.
    var later: Set<UInt64> = []
    var withdrawals: Int
    /// Writes that are under way.
    var open = 0

    /// A write that the cache was told of.
    mutating func note(_ number: UInt64) {
      later.insert(number)
      while later.remove(sequence + 1) != nil { sequence += 1 }
    }

    /// Looks that a gap between known writes may last, while writes are under way, before it is somebody else's.
    private static let mostGaps = 20

    /// Takes what the index shows; whether somebody else has written.
    mutating func look(_ shown: UInt64, _ withdrawn: Int, _ generation: Int) -> Bool {
      // Seals and merges make a generation too: their content is known, and only lightly searched again.
      let isOther = generation != self.generation
      self.generation = generation
      // A write that is under way tells of itself.
      if open > 0 {
        gaps = later.isEmpty ? 0 : gaps + 1
        guard gaps > Self.mostGaps else { return isOther }
      }
      gaps = 0
      let isForeign = shown > sequence || withdrawn != withdrawals || isOther
      sequence = max(sequence, shown, later.max() ?? 0)
      later = []
      withdrawals = withdrawn
      return isForeign
    }
  }

  /// Makes the cache, with what was saved of it.
  ///
  /// - Throws: `notFound` for an index without rows; `invalidConfiguration`.
  init(
    _ settings: ResultCacheSettings, _ index: VectorIndex, _ budget: PerformanceBudget,
    _ options: ServiceOptions
  ) throws(NeedletailError) {
    let snapshot = try index.snapshot()
    judge = IndexJudge(snapshot, rerank: options.full.rerank)
    answers = try ResultCache(settings, judge: judge)
    known = Guarded(
      Known(
        index: index, generation: snapshot.generation, sequence: snapshot.sequence,
        withdrawals: snapshot.withdrawalRevision))
    rerank = options.full.rerank
    full = options.full
    meaning = Guarded(Self.meaning(options.full, budget))
    guesses = Atomic(budget.cache.prefetches)
    isPersistent = Atomic(budget.cache.isPersistent)
    prefetcher = Guarded(
      Prefetcher(TransitionPredictor(capacity: Self.guessCapacity), capacity: Self.guessCapacity))
    let answers = answers
    let saver = options.cacheFile.map { CacheSaver(answers, path: $0) }
    self.saver = saver
    guard budget.cache.isPersistent, let saver else { return }
    let start = saver.restore(
      identity: snapshot.contentIdentity + Self.meaning(options.full, budget),
      at: options.clock.now)
    if let fault = start.fault { options.onEvent?(.failure(fault)) }
    // What cannot be taken over is asked anew in idle moments, the most popular first.
    prefetcher.withLock { prefetcher in
      for key in start.found.questions.prefix(64).reversed() { prefetcher.suggest(key) }
    }
  }

  private static func meaning(_ full: SearchOptions, _ budget: PerformanceBudget) -> [UInt8] {
    Array("\(full) \(budget.ladder.window)".utf8)
  }

  /// Keeps to another budget: its times, its room, and whether it has a cache at all.
  ///
  /// - Parameters:
  ///   - budget: the budget.
  ///   - endsAnswers: whether rungs mean another thing from now on, so that no answer is one of theirs.
  ///   - now: the present instant.
  func adopt(_ budget: PerformanceBudget, endsAnswers: Bool, at now: Nanoseconds) {
    let settings = ResultCacheSettings(budget)
    isOn.store(settings != nil, ordering: .relaxed)
    guesses.store(settings != nil && budget.cache.prefetches, ordering: .relaxed)
    isPersistent.store(settings != nil && budget.cache.isPersistent, ordering: .relaxed)
    if let settings { answers.setAges(fresh: settings.freshAge, stale: settings.staleAge) }
    answers.resize(to: settings?.capacity ?? 0)
    guard endsAnswers else { return }
    // Nothing is saved until what was is gone.
    meaning.withLock { $0 = nil }
    answers.apply([.everything], at: now)
    meaning.withLock { $0 = Self.meaning(full, budget) }
  }

  /// Bytes for guesses, and for sessions.
  private static let guessCapacity = 1 << 20

  /// Writes the answers behind, when it is time.
  ///
  /// - Throws: `io`.
  func save(at now: Nanoseconds, isLast: Bool) throws(NeedletailError) {
    guard let saver, isPersistent.load(ordering: .relaxed) else { return }
    if isLast {
      _ = try saver.save { settledIdentity }
    } else {
      _ = try saver.saveIfDue(at: now) { settledIdentity }
    }
  }

  /// Of which content answers are; `nil` while a write is under way.
  private var settledIdentity: [UInt8]? {
    guard let snapshot = try? index.snapshot() else { return nil }
    let (sequence, withdrawals) = (snapshot.sequence, snapshot.withdrawalRevision)
    let isKnown = known.withLock { known in
      known.open == 0 && known.sequence == sequence && known.withdrawals == withdrawals
        && known.generation == snapshot.generation
    }
    guard isKnown, let meaning = meaning.withLock({ $0 }) else { return nil }
    return snapshot.contentIdentity + meaning
  }

  /// A session has asked.
  func asked(_ key: CacheKey, session: UInt64) {
    if guesses.load(ordering: .relaxed) { prefetcher.withLock { $0.asked(key, session: session) } }
  }

  /// What is likely to be asked next, for a moment in which nobody waits.
  func likely() -> CacheKey? {
    isInUse ? prefetcher.withLock { $0.take(pressure: 0) } : nil
  }

  /// The search for a key; `nil` for a filter that is no longer known.
  func request(_ key: CacheKey) -> BackendRequest? {
    let filter = key.filter.isEmpty ? nil : judge.filters.filter(key.filter)
    guard key.filter.isEmpty || filter != nil else { return nil }
    return BackendRequest(
      queries: [IndexJudge.floats(key.query)], k: key.k, filter: filter, rung: key.rung)
  }

  private var index: VectorIndex { known.withLock { $0.index } }

  /// Another index is served from now on.
  ///
  /// - Throws: `invalidConfiguration` where its distances are of another kind; `notFound` without rows.
  func follow(_ new: VectorIndex, at now: Nanoseconds) throws(NeedletailError) {
    let snapshot = try new.snapshot()
    let other = IndexJudge(snapshot, rerank: rerank)
    guard other.metric == judge.metric, other.rounding == judge.rounding else {
      throw NeedletailError(
        .invalidConfiguration,
        "The new index has another metric, or keeps its rows in another form, than the one that is served: begin a new service."
      )
    }
    known.withLock { known in
      known = Known(
        index: new, epoch: known.epoch + 1, generation: snapshot.generation,
        sequence: snapshot.sequence, withdrawals: snapshot.withdrawalRevision)
    }
    answers.apply([.everything], at: now)
  }

  /// The key of a request at a rung; `nil` where its answer is not kept.
  func key(_ request: ServiceRequest, at rung: Rung) -> CacheKey? {
    var bytes: [UInt8] = []
    if let filter = request.filter {
      guard filter.listedCount <= Self.longestFilter / 8 else { return nil }
      bytes = filter.identity
      guard bytes.count <= Self.longestFilter else { return nil }
      judge.filters.note(filter, bytes)
    }
    return answers.key(
      query: IndexJudge.bytes(request.query), filter: bytes, k: request.k, rung: rung)
  }

  /// The present generation; `nil` where something of an answer was withdrawn: the answers that hold it are gone then.
  func generation(showing neighbors: [Neighbor], at now: Nanoseconds) -> Int? {
    guard let snapshot = try? index.snapshot() else { return nil }
    guard let id = snapshot.firstWithdrawn(among: neighbors) else { return snapshot.generation }
    answers.apply([.withdrawn(id)], at: now)
    return nil
  }

  /// Changes beyond which it is cheaper to end everything than to look at each answer for each of them.
  private static let mostChanges = 256

  /// Makes a change of the index, and tells the cache of it before it returns.
  func writing<Result>(
    of count: Int, at now: () -> Nanoseconds,
    _ write: () throws(NeedletailError) -> (Result, UInt64?),
    _ changes: () -> [CacheChange<IndexJudge.Item>]
  ) throws(NeedletailError) -> Result {
    let epoch = begin()
    defer { end(epoch) }
    let (result, sequence) = try write()
    answers.apply(count <= Self.mostChanges ? changes() : [.everything], at: now())
    if let sequence {
      known.withLock { if $0.epoch == epoch { $0.note(sequence) } }
    }
    return result
  }

  /// Withdraws or reinstates, and tells the cache before it returns.
  func withdrawing(
    _ ids: [VectorID], at now: () -> Nanoseconds, isWithdrawn: Bool,
    _ write: () throws(NeedletailError) -> Void
  ) throws(NeedletailError) {
    let epoch = begin()
    defer { end(epoch) }
    try write()
    // What comes back may belong into any answer.
    let isLong = ids.count > Self.mostChanges
    answers.apply(
      isWithdrawn && !isLong ? ids.map { .withdrawn($0) } : [.everything], at: now())
    // Its own step, and nobody else's.
    known.withLock { if $0.epoch == epoch { $0.withdrawals += 1 } }
  }

  private func begin() -> Int {
    known.withLock { known in
      known.open += 1
      return known.epoch
    }
  }

  private func end(_ epoch: Int) {
    known.withLock { if $0.epoch == epoch { $0.open -= 1 } }
  }

  /// Ends everything where somebody else has written; called ten times a second.
  func lookForOthers(at now: Nanoseconds) {
    let (index, epoch) = known.withLock { ($0.index, $0.epoch) }
    guard let snapshot = try? index.snapshot() else { return }
    let (sequence, withdrawals) = (snapshot.sequence, snapshot.withdrawalRevision)
    let generation = snapshot.generation
    let isForeign = known.withLock { known in
      guard known.epoch == epoch else { return false }
      return known.look(sequence, withdrawals, generation)
    }
    if isForeign { answers.apply([.everything], at: now) }
  }
}
