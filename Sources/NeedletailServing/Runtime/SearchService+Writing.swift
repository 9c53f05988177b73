public import Needletail
import NeedletailBudgets
import NeedletailCore

/// Writing through a service: as the index does, and the result cache is told before the call returns.
///
/// From then on no answer lacks the change, unless it says that it is stale. What is written past the service, in this process or another
/// one, is looked for ten times a second, and ends every cached answer.
///
/// Rows that come are counted before they take memory. Where they would pass a ceiling of the budget, the cache gives way; where that is not
/// enough, they are refused with `overBudget`, and let in again below the head-room. Attributes are counted once they are there. Removals
/// and withdrawals are never refused for that.
extension SearchService {
  /// Adds vectors under new ids; as `VectorIndex.insert`.
  @discardableResult
  public func insert(
    _ rows: VectorMatrix, ids: some Collection<VectorID>, attributes: [Attributes] = [],
    options: WriteOptions = WriteOptions()
  ) throws(NeedletailError) -> WriteResult {
    let index = try written()
    return try runtime.writing(rows: rows.count, index) { () throws(NeedletailError) in
      try write(rows, Array(ids), attributes, isInsert: true) { () throws(NeedletailError) in
        try index.insert(rows, ids: ids, attributes: attributes, options: options)
      }
    }
  }

  /// Adds vectors, each in the place of the one that has its id; as `VectorIndex.upsert`.
  @discardableResult
  public func upsert(
    _ rows: VectorMatrix, ids: some Collection<VectorID>, attributes: [Attributes] = [],
    options: WriteOptions = WriteOptions()
  ) throws(NeedletailError) -> WriteResult {
    let index = try written()
    return try runtime.writing(rows: rows.count, index) { () throws(NeedletailError) in
      try write(rows, Array(ids), attributes, isInsert: false) { () throws(NeedletailError) in
        try index.upsert(rows, ids: ids, attributes: attributes, options: options)
      }
    }
  }

  /// Removes vectors; as `VectorIndex.remove`.
  @discardableResult
  public func remove(
    _ ids: some Collection<VectorID>, options: WriteOptions = WriteOptions()
  ) throws(NeedletailError) -> WriteResult {
    let index = try written()
    guard let cache = runtime.cache else {
      return try past { () throws(NeedletailError) in try index.remove(ids, options: options) }
    }
    return try cache.writing(of: ids.count, at: { runtime.clock.now }) {
      () throws(NeedletailError) in
      let result = try index.remove(ids, options: options)
      return (result, result.sequence)
    } _: {
      ids.map { .removed($0) }
    }
  }

  /// Hides ids from every answer from now on; as `VectorIndex.withdraw`.
  public func withdraw(_ ids: some Collection<VectorID>) throws(NeedletailError) {
    let index = try written()
    guard let cache = runtime.cache else {
      return try past { () throws(NeedletailError) in try index.withdraw(ids) }
    }
    try cache.withdrawing(Array(ids), at: { runtime.clock.now }, isWithdrawn: true) {
      () throws(NeedletailError) in try index.withdraw(ids)
    }
  }

  /// Takes withdrawals back; as `VectorIndex.reinstate`.
  public func reinstate(_ ids: some Collection<VectorID>) throws(NeedletailError) {
    let index = try written()
    guard let cache = runtime.cache else {
      return try past { () throws(NeedletailError) in try index.reinstate(ids) }
    }
    try cache.withdrawing(Array(ids), at: { runtime.clock.now }, isWithdrawn: false) {
      () throws(NeedletailError) in try index.reinstate(ids)
    }
  }

  /// Writes without a cache; one that came with a changed budget meanwhile begins anew.
  private func past<Result>(
    _ write: () throws(NeedletailError) -> Result
  ) throws(NeedletailError) -> Result {
    let result = try write()
    runtime.cache?.answers.apply([.everything], at: runtime.clock.now)
    return result
  }

  private func written() throws(NeedletailError) -> VectorIndex {
    guard let index = index.withLock({ $0 }) else {
      throw NeedletailError(.notFound, "The service has no index that can be written to.")
    }
    return index
  }

  private func write(
    _ rows: VectorMatrix, _ ids: [VectorID], _ attributes: [Attributes], isInsert: Bool,
    _ write: () throws(NeedletailError) -> WriteResult
  ) throws(NeedletailError) -> WriteResult {
    guard let cache = runtime.cache else { return try past(write) }
    return try cache.writing(of: ids.count, at: { runtime.clock.now }) {
      () throws(NeedletailError) in
      let result = try write()
      return (result, result.sequence)
    } _: {
      ids.enumerated().map { place, id in
        let item = IndexJudge.Item(
          row: rows[place],
          attributes: attributes.isEmpty ? Attributes() : attributes[place], id: id)
        return isInsert ? .inserted(id, item) : .upserted(id, item)
      }
    }
  }
}
