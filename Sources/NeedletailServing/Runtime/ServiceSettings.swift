package import NeedletailBudgets
import NeedletailCore

/// What a service's decisions need to know of the machine and the index.
package struct ServiceSettings: Sendable {
  /// Threads that search.
  package var workers: Int
  /// Components of a query.
  package var dimensions: Int
  /// The rungs that the index can be searched on.
  package var rungs: [Rung]
  /// The share of the full window that the smaller one has.
  package var leastWindow: Double
  /// The most queries that are searched for together.
  package var batch: Int
  /// What a search is put at before one was measured.
  package var firstCost: Nanoseconds

  package init(
    workers: Int, dimensions: Int = 128,
    rungs: [Rung] = [.full, .smallerWindow, .withoutRerank], leastWindow: Double = 0.5,
    batch: Int = 8, firstCost: Nanoseconds = 200 * .microsecond
  ) {
    self.workers = workers
    self.dimensions = dimensions
    self.rungs = rungs
    self.leastWindow = leastWindow
    self.batch = batch
    self.firstCost = firstCost
  }

  /// Checks what the controllers do not check themselves.
  ///
  /// - Throws: `invalidConfiguration` with the numbers.
  func validate() throws(NeedletailError) {
    guard (1...Limits.threads).contains(workers), (1...1_024).contains(batch) else {
      throw NeedletailError(
        .invalidConfiguration,
        "\(workers) workers and batches of \(batch): there can be 1 to \(Limits.threads) and 1 to 1024."
      )
    }
  }
}
