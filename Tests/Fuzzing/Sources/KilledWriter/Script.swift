import NeedletailCore
import NeedletailEngine
import NeedletailStorage

/// What is done, step by step.
///
/// What an index holds after a step follows from the step's number alone, which is where its
/// source stands.
enum Script {
  static let steps: UInt64 = 12
  static let source = "s"
  private static let dimensions = 8

  static func build() -> BuildOptions {
    var build = BuildOptions(dimensions: dimensions, metric: .squaredEuclidean)
    build.graph.m = 4
    build.graph.efConstruction = 16
    return build
  }

  static func options() -> UpdateOptions {
    var options = UpdateOptions()
    options.keptGenerations = 2
    options.log.fileByteCount = 400
    return options
  }

  /// The row that a step writes under an id.
  static func row(_ id: VectorID, _ step: UInt64) -> [Float] {
    (0..<dimensions).map { Float(id % 16) + Float(step) * 0.5 + Float($0 * $0) * 0.25 }
  }

  static func attributes(_ step: UInt64) -> Attributes {
    Attributes(["step": .integer(Int64(step))])
  }

  /// The ids that a step writes, or removes.
  private static func ids(_ step: UInt64) -> (isRemoval: Bool, ids: [VectorID]) {
    step % 4 == 0 ? (true, [step - 1]) : (false, [step, 100 + step % 3])
  }

  /// A step's batch; every second one is left to the system to write down.
  static func request(_ step: UInt64) throws(NeedletailError) -> UpdateRequest {
    let (isRemoval, ids) = ids(step)
    var request: UpdateRequest
    if isRemoval {
      request = .remove(ids: ids)
    } else {
      let rows = try VectorMatrix(ids.flatMap { row($0, step) }, dimensions: dimensions)
      request = .upsert(
        ids: ids, rows: rows, attributes: ids.map { _ in attributes(step) })
    }
    request.comes(from: source, to: step, previous: nil)
    request.durability = step.isMultiple(of: 2) ? .synced : .buffered
    return request
  }

  /// The ids that are there after a step, each with the step that wrote it.
  static func content(after step: UInt64) -> [VectorID: UInt64] {
    var content: [VectorID: UInt64] = [:]
    for step in 0..<step {
      let (isRemoval, ids) = ids(step + 1)
      for id in ids { content[id] = isRemoval ? nil : step + 1 }
    }
    return content
  }

  /// What is sealed behind a step.
  static func seal(after step: UInt64) -> MergePolicy? {
    switch step {
    case 2, 3, 10: MergePolicy.none
    case 9: .automatic
    case 11: .all
    default: nil
    }
  }

  /// The withdrawal behind a step, or what takes one back.
  ///
  /// Two of them are long enough that their log is written anew.
  static func change(_ step: UInt64) -> (isWithdrawn: Bool, ids: [VectorID]) {
    let many = Array(1_000_000..<1_004_500 as Range<VectorID>)
    switch step {
    case 5: return (true, many)
    case 6: return (false, many)
    default: return step % 4 == 3 ? (false, [step - 1]) : (true, [step])
    }
  }

  /// What is withdrawn after so many changes.
  static func withdrawn(after count: UInt64) -> Set<VectorID> {
    var ids: Set<VectorID> = []
    for step in 0..<count {
      let (isWithdrawn, changed) = change(step + 1)
      if isWithdrawn { ids.formUnion(changed) } else { ids.subtract(changed) }
    }
    return ids
  }
}
