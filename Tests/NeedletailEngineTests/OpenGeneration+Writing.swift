import NeedletailCore
import NeedletailStorage

@testable import NeedletailEngine

/// Writing as one step, for tests that look at what is published.
extension OpenGeneration {
  /// Adds a segment to the index.
  func adding(
    _ order: SegmentOrder, at path: String, in fileSystem: any FileSystem
  ) throws(NeedletailError) -> OpenGeneration {
    let index = try LiveIndex.open(
      IndexDirectory(path, in: fileSystem), options: UpdateOptions(), present: self
    ).index
    try index.add(order)
    return index.view.generation
  }

  /// Publishes settings.
  @discardableResult
  func publish(
    _ tuning: Tuning, at path: String, in fileSystem: any FileSystem
  ) throws(NeedletailError) -> OpenGeneration {
    let index = try LiveIndex.open(
      IndexDirectory(path, in: fileSystem), options: UpdateOptions(), present: self
    ).index
    try index.publish(tuning, nil)
    return index.view.generation
  }
}
