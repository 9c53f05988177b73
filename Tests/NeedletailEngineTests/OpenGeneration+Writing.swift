import NeedletailCore
import NeedletailStorage

@testable import NeedletailEngine

/// Writing as one step, for tests that look at what is published.
extension OpenGeneration {
  /// What the generation shows.
  func view(in directory: IndexDirectory) throws(NeedletailError) -> IndexView {
    try IndexContents(
      self, build: buildOptions, options: UpdateOptions(),
      withdrawn: WithdrawnIDs(directory, indexIdentity: manifest.indexIdentity)
    ).view(lsn: manifest.sealedLSN, sourceOffsets: [:])
  }

  /// Adds a segment to the index.
  func adding(
    _ order: SegmentOrder, at path: String, in fileSystem: any FileSystem
  ) throws(NeedletailError) -> OpenGeneration {
    let directory = IndexDirectory(path, in: fileSystem)
    let index = try LiveIndex.open(
      directory, options: UpdateOptions(), present: view(in: directory)
    ).index
    try index.add(order)
    return index.view.generation
  }

  /// Publishes settings.
  @discardableResult
  func publish(
    _ tuning: Tuning, at path: String, in fileSystem: any FileSystem
  ) throws(NeedletailError) -> OpenGeneration {
    let directory = IndexDirectory(path, in: fileSystem)
    let index = try LiveIndex.open(
      directory, options: UpdateOptions(), present: view(in: directory)
    ).index
    try index.publish(tuning, nil)
    return index.view.generation
  }
}
