#if HDF5
  import CHDF5
  import NeedletailCore
  import NeedletailStorage
  import Synchronization

  /// The arrays of one open HDF5 file, through libhdf5.
  ///
  /// Every call into the library is made under one lock; handles are closed by their scope.
  final class HDF5File: Sendable {
    /// The library keeps global state without locks of its own.
    private static let library = Mutex(())

    private let path: String
    private let file: hid_t
    private let byteCount: Int

    init(_ path: String) throws(NeedletailError) {
      self.path = path
      // The library's own error for a missing file can't be told from that of a damaged one.
      let region = try LocalFileSystem().map(path)
      byteCount = region.count
      guard try VectorFileFormat.detect(path, prefix: region.span) == .hdf5 else {
        throw FileFault(path: path).unsupported("The file is not HDF5.", in: "magic", at: 0)
      }
      file = Self.library.withLock { _ in
        ndl_h5_silence()
        return unsafe ndl_h5_open(path)
      }
      guard file >= 0 else {
        throw FileFault(path: path).corrupted(
          "libhdf5 can't read the file's structure; it was cut short or is damaged: get it again.",
          in: "superblock", at: 0)
      }
    }

    deinit {
      if file >= 0 { Self.library.withLock { _ in _ = H5Fclose(file) } }
    }

    /// The text of an attribute of the file; `nil` when it has none of this name.
    func attribute(_ name: String) throws(NeedletailError) -> String? {
      try locked { () throws(NeedletailError) in
        guard unsafe H5Aexists(file, name) > 0 else { return nil }
        let attribute = try handle(unsafe H5Aopen(file, name, 0), name)
        defer { H5Aclose(attribute) }
        let stored = try handle(H5Aget_type(attribute), name)
        defer { H5Tclose(stored) }
        guard H5Tget_class(stored) == H5T_STRING else { return nil }
        return H5Tis_variable_str(stored) > 0
          ? try variableText(attribute, stored, name) : try fixedText(attribute, stored, name)
      }
    }

    /// The shape of a matrix; `nil` when the file has no array of this name.
    func shape(
      _ name: String, limit: Int
    ) throws(NeedletailError) -> AnnBenchmarksFile.Shape? {
      try locked { () throws(NeedletailError) in
        guard unsafe H5Lexists(file, name, 0) > 0 else { return nil }
        let dataset = try handle(unsafe H5Dopen2(file, name, 0), name)
        defer { H5Dclose(dataset) }
        let space = try handle(H5Dget_space(dataset), name)
        defer { H5Sclose(space) }
        let axes = H5Sget_simple_extent_ndims(space)
        guard axes == 2 else {
          throw FileFault(path: path).unsupported(
            "The array has \(axes) axes; a matrix of rows has 2. Sparse sets are not read.",
            in: name)
        }
        var extent: (hsize_t, hsize_t) = (0, 0)
        // SAFETY: the two numbers lie side by side, and two axes were counted above.
        let status = unsafe withUnsafeMutablePointer(to: &extent) {
          unsafe $0.withMemoryRebound(to: hsize_t.self, capacity: 2) {
            unsafe H5Sget_simple_extent_dims(space, $0, nil)
          }
        }
        guard status == 2, let count = Int(exactly: extent.0) else { throw failed(name) }
        guard extent.1 > 0 else {
          throw FileFault(path: path).corrupted("The array's rows hold nothing.", in: name)
        }
        guard extent.1 <= hsize_t(limit) else {
          throw FileFault(path: path).overLimit(
            "A row has \(extent.1) components, more than the \(limit) that are supported.",
            in: name)
        }
        let shape = AnnBenchmarksFile.Shape(count: count, width: Int(extent.1))
        try checkStorage(dataset, shape, name)
        return shape
      }
    }

    /// How the components of an array are read: bytes as bytes, floats of any size as `float32`.
    func element(_ name: String) throws(NeedletailError) -> VectorMatrix.Element {
      try locked { () throws(NeedletailError) in
        guard unsafe H5Lexists(file, name, 0) > 0 else {
          throw NeedletailError(
            .notFound, "The file has no array '\(name)'; is it from ann-benchmarks?",
            at: .init(path: path, section: name))
        }
        let (kind, byteCount, isSigned) = try type(name)
        if kind == H5T_FLOAT { return .float32 }
        if kind == H5T_INTEGER, byteCount == 1 { return isSigned ? .int8 : .uint8 }
        throw FileFault(path: path).unsupported(
          "The array's type (class \(kind.rawValue), \(byteCount) bytes) is not read; vectors are "
            + "floats or bytes.", in: name)
      }
    }

    /// Reads whole rows into a block that has room for them.
    func read(
      _ name: String, rows: Range<Int>, width: Int, as element: VectorMatrix.Element,
      into block: MemoryBlock
    ) throws(NeedletailError) {
      try locked { () throws(NeedletailError) in
        let type =
          switch element {
          case .uint8: ndl_h5_uint8()
          case .int8: ndl_h5_int8()
          case .float32, .float16: ndl_h5_float32()
          }
        try readRows(name, rows, width, type, 0..<(rows.count * width * element.byteCount), block)
      }
    }

    /// Reads whole rows of an integer array, as `Int64`, into a block that has room for them.
    func readIntegers(
      _ name: String, rows: Range<Int>, width: Int, into block: MemoryBlock
    ) throws(NeedletailError) {
      try locked { () throws(NeedletailError) in
        let (kind, byteCount, _) = try type(name)
        guard kind == H5T_INTEGER else {
          throw FileFault(path: path).unsupported(
            "The array's type (class \(kind.rawValue), \(byteCount) bytes) is not read; row numbers "
              + "are integers.", in: name)
        }
        try readRows(name, rows, width, ndl_h5_int64(), 0..<(rows.count * width * 8), block)
      }
    }

    // MARK: Under the lock

    /// Checks that the file can hold as many rows as the array claims, before memory is taken.
    private func checkStorage(
      _ dataset: hid_t, _ shape: AnnBenchmarksFile.Shape, _ name: String
    ) throws(NeedletailError) {
      let stored = H5Dget_storage_size(dataset)
      // Deflate, the only packing in use, can't do better than 1 to 1032.
      let (most, isUnlimited) = stored.multipliedReportingOverflow(by: 1032)
      let (numbers, overflow) = shape.count.multipliedReportingOverflow(by: shape.width)
      guard !overflow, stored <= hsize_t(byteCount), isUnlimited || numbers <= most else {
        throw FileFault(path: path).corrupted(
          "The array claims \(shape.count) x \(shape.width) numbers, but only \(stored) bytes of "
            + "them are in the file (\(byteCount) bytes); get it again.", in: name)
      }
    }

    private func locked<T: Sendable>(
      _ body: () throws(NeedletailError) -> T
    ) throws(NeedletailError) -> T {
      try Self.library.withLock { _ throws(NeedletailError) in
        // The library's printing is on again in each thread of a thread-safe build.
        ndl_h5_silence()
        return try body()
      }
    }

    private func type(
      _ name: String
    ) throws(NeedletailError) -> (kind: H5T_class_t, byteCount: Int, isSigned: Bool) {
      let dataset = try handle(unsafe H5Dopen2(file, name, 0), name)
      defer { H5Dclose(dataset) }
      let stored = try handle(H5Dget_type(dataset), name)
      defer { H5Tclose(stored) }
      return (H5Tget_class(stored), H5Tget_size(stored), H5Tget_sign(stored) == H5T_SGN_2)
    }

    private func readRows(
      _ name: String, _ rows: Range<Int>, _ width: Int, _ memoryType: hid_t, _ bytes: Range<Int>,
      _ block: MemoryBlock
    ) throws(NeedletailError) {
      precondition(bytes.upperBound <= block.byteCount, "the block has no room for the rows")
      let dataset = try handle(unsafe H5Dopen2(file, name, 0), name)
      defer { H5Dclose(dataset) }
      let space = try handle(H5Dget_space(dataset), name)
      defer { H5Sclose(space) }
      let start = [hsize_t(rows.lowerBound), 0]
      let extent = [hsize_t(rows.count), hsize_t(width)]
      guard unsafe H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nil, extent, nil) >= 0 else {
        throw failed(name)
      }
      let memory = try handle(unsafe H5Screate_simple(2, extent, nil), name)
      defer { H5Sclose(memory) }
      // SAFETY: the memory space is rows × width of a type whose size the block was made for.
      guard
        let place = unsafe block.mutableBytes.baseAddress,
        unsafe H5Dread(dataset, memoryType, memory, space, 0, place) >= 0
      else { throw failed(name) }
    }

    private func fixedText(
      _ attribute: hid_t, _ stored: hid_t, _ name: String
    ) throws(NeedletailError) -> String {
      let byteCount = H5Tget_size(stored)
      guard byteCount > 0, byteCount <= 1 << 16, isScalar(attribute) else { throw failed(name) }
      let block = try MemoryBlock(byteCount: byteCount)
      // SAFETY: one text of the size that its own type states.
      guard
        let place = unsafe block.mutableBytes.baseAddress,
        unsafe H5Aread(attribute, stored, place) >= 0
      else { throw failed(name) }
      return unsafe String(decoding: block.bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    private func variableText(
      _ attribute: hid_t, _ stored: hid_t, _ name: String
    ) throws(NeedletailError) -> String {
      guard isScalar(attribute) else { throw failed(name) }
      var text: UnsafeMutablePointer<CChar>?
      // SAFETY: a scalar of variable length is one pointer, which the library allocates and frees.
      guard unsafe H5Aread(attribute, stored, &text) >= 0, let start = unsafe text else {
        throw failed(name)
      }
      defer { unsafe H5free_memory(start) }
      return unsafe String(cString: start)
    }

    /// Whether an attribute holds one value, not an array of them.
    private func isScalar(_ attribute: hid_t) -> Bool {
      let space = H5Aget_space(attribute)
      guard space >= 0 else { return false }
      defer { H5Sclose(space) }
      return H5Sget_simple_extent_npoints(space) == 1
    }

    private func handle(_ id: hid_t, _ name: String) throws(NeedletailError) -> hid_t {
      guard id >= 0 else { throw failed(name) }
      return id
    }

    private func failed(_ name: String) -> NeedletailError {
      FileFault(path: path).corrupted(
        "libhdf5 can't read '\(name)'; the file is damaged, or packed in a way that this library "
          + "doesn't know.", in: name)
    }
  }
#endif
