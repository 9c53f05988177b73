public import NeedletailCore
package import NeedletailStorage

extension VectorMatrix {
  /// Maps the vectors of a file into memory; see `VectorFileFormat` for the formats.
  ///
  /// The components are used in place: nothing is read until it is looked at, except each row's own
  /// length in `.fvecs` and `.bvecs`. Whether components are finite is not checked here. The file may
  /// not be shortened or overwritten while the matrix lives; replace files by renaming.
  ///
  /// - Parameter path: a file of `.fvecs`, `.bvecs`, `.fbin`, `.u8bin`, `.i8bin` or `.npy`.
  /// - Throws: `notFound`; `io`; `unsupportedFormat` for an unknown ending, a file of integers, and
  ///   arrays that are no plain matrix; `corrupted` when header and length contradict each other;
  ///   `capacityExceeded` beyond `Limits.dimensions`. Each names the path, field and offset.
  /// - Complexity: O(1), and one load for each row in formats whose rows carry their length. An
  ///   `.npy` file whose header misaligns its rows is copied.
  public init(contentsOf path: String) throws(NeedletailError) {
    self = try MappedRows(contentsOf: path, fileSystem: LocalFileSystem()).vectors()
  }

  /// Maps the vectors of a file of any file system.
  package init(
    contentsOf path: String, fileSystem: any FileSystem
  ) throws(NeedletailError) {
    self = try MappedRows(contentsOf: path, fileSystem: fileSystem).vectors()
  }

  /// The vectors in the bytes of a file, whose name is the region's path.
  package init(_ region: MappedRegion) throws(NeedletailError) {
    self = try MappedRows(region).vectors()
  }
}
