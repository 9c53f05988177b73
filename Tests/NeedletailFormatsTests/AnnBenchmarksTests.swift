import Foundation
import NeedletailCore
import NeedletailFormats
import Testing
import _NeedletailTestSupport

#if HDF5
  import CHDF5

  /// Makes small files in the layout of ann-benchmarks, through the library itself.
  ///
  /// The library keeps global state, so these tests run one after the other.
  @Suite(.serialized) struct AnnBenchmarksTests {
    /// Makes a file; `body` gets its handle.
    private func make(_ path: String, _ body: (hid_t) -> Void) throws {
      ndl_h5_silence()
      let file = unsafe ndl_h5_create(path)
      try #require(file >= 0)
      body(file)
      H5Fclose(file)
    }

    private func add<T: BitwiseCopyable>(
      _ file: hid_t, _ name: String, _ extent: [Int], _ type: hid_t, _ values: [T],
      chunk: [Int]? = nil
    ) {
      let space = unsafe H5Screate_simple(Int32(extent.count), extent.map { hsize_t($0) }, nil)
      let list = chunk == nil ? 0 : H5Pcreate(ndl_h5_dataset_creation())
      if let chunk {
        unsafe H5Pset_chunk(list, Int32(chunk.count), chunk.map { hsize_t($0) })
        H5Pset_deflate(list, 6)
      }
      let dataset = unsafe H5Dcreate2(file, name, type, space, 0, list, 0)
      if !values.isEmpty {
        unsafe values.withUnsafeBytes { bytes in
          if let start = bytes.baseAddress {
            unsafe H5Dwrite(dataset, type, 0, 0, 0, start)
          }
        }
      }
      H5Dclose(dataset)
      if chunk != nil { H5Pclose(list) }
      H5Sclose(space)
    }

    private func addDistance(_ file: hid_t, _ text: String, isVariable: Bool) {
      let type = ndl_h5_string(isVariable ? Int(bitPattern: UInt.max) : text.utf8.count)
      let space = H5Screate(H5S_SCALAR)
      let attribute = unsafe H5Acreate2(file, "distance", type, space, 0, 0)
      unsafe text.withCString { text in
        if isVariable {
          var pointer: UnsafePointer<CChar>? = unsafe text
          unsafe H5Awrite(attribute, type, &pointer)
        } else {
          unsafe H5Awrite(attribute, type, text)
        }
      }
      H5Aclose(attribute)
      H5Sclose(space)
      H5Tclose(type)
    }

    private func makeSound(_ path: String, distance: String = "euclidean") throws {
      try make(path) { file in
        addDistance(file, distance, isVariable: distance != "euclidean")
        add(file, "train", [50, 3], ndl_h5_float32(), (0..<150).map { Float($0) / 2 })
        add(file, "test", [2, 3], ndl_h5_float64(), [1, 2, 3, 4, 5, 0.5] as [Double])
        add(file, "neighbors", [2, 2], ndl_h5_int64(), [4, 5, 6, 7] as [Int64])
        add(file, "distances", [2, 2], ndl_h5_float32(), [1, 2, 3, 4] as [Float])
      }
    }

    @Test func readsASet() throws {
      let directory = try TemporaryDirectory()
      try makeSound(directory("x.hdf5"))
      let file = try AnnBenchmarksFile(contentsOf: directory("x.hdf5"))
      #expect(file.distance == "euclidean" && file.metric == .squaredEuclidean)
      let shape = try #require(try file.shape(of: .train))
      #expect(shape.count == 50 && shape.width == 3)
      let rows = try file.vectors(.train, rows: 10..<12)
      #expect(rows.components == (30..<36).map { Float($0) / 2 })
      #expect(try file.vectors(.test, rows: 0..<2).components == [1, 2, 3, 4, 5, 0.5])
      #expect(try file.vectors(.train, rows: 50..<50).count == 0)
      #expect(try file.neighbors(rows: 1..<2)[0] == [6, 7])
      let truth = try file.groundTruth()
      #expect(truth.ids[0] == [4, 5])
      #expect(truth.distances?.components == [1, 4, 9, 16], "Euclidean distances are squared")

      try file.write(.train, to: directory("train.fbin"))
      let written = try VectorMatrix(contentsOf: directory("train.fbin"))
      #expect(written.components == (0..<150).map { Float($0) / 2 })
      let error = #expect(throws: NeedletailError.self) {
        try file.vectors(.train, rows: 40..<51)
      }
      #expect(error?.code == .invalidConfiguration)
    }

    @Test(arguments: [("angular", Metric.cosine), ("dot", .innerProduct), ("hamming", nil)])
    func readsTheDistance(name: String, metric: Metric?) throws {
      let directory = try TemporaryDirectory()
      try makeSound(directory("x.h5"), distance: name)
      let file = try AnnBenchmarksFile(contentsOf: directory("x.h5"))
      #expect(file.distance == name && file.metric == metric)
      #expect(try file.groundTruth().distances?.components == [1, 2, 3, 4])
    }

    @Test func readsPackedBytesAndSmallIntegers() throws {
      let directory = try TemporaryDirectory()
      try make(directory("x.hdf5")) { file in
        let bytes = (0..<4000).map { UInt8($0 % 7) }
        add(file, "train", [1000, 4], ndl_h5_uint8(), bytes, chunk: [100, 4])
        add(file, "test", [1, 4], ndl_h5_int8(), [-1, 2, -128, 127] as [Int8])
        add(file, "neighbors", [1, 2], ndl_h5_int32(), [3, -1] as [Int32])
      }
      let file = try AnnBenchmarksFile(contentsOf: directory("x.hdf5"))
      #expect(file.distance == nil && file.metric == nil)
      let train = try file.vectors(.train, rows: 99..<101)
      #expect(train.element == .uint8)
      #expect(train.components == (396..<404).map { Float($0 % 7) })
      #expect(try file.vectors(.test, rows: 0..<1).components == [-1, 2, -128, 127])
      #expect(try file.groundTruth().ids[0] == [3, -1])
      #expect(try file.groundTruth().distances == nil)
      try file.write(.train, to: directory("train.npy"))
      #expect(try VectorMatrix(contentsOf: directory("train.npy")).element == .uint8)
    }

    @Test func otherShapesAndTypesAreRefused() throws {
      let directory = try TemporaryDirectory()
      try make(directory("x.hdf5")) { file in
        add(file, "train", [6], ndl_h5_float32(), [Float](repeating: 0, count: 6))
        add(file, "test", [1, Limits.dimensions + 1], ndl_h5_uint8(), [UInt8]())
        add(file, "neighbors", [1, 2], ndl_h5_int64(), [3, 1 << 40] as [Int64])
      }
      let file = try AnnBenchmarksFile(contentsOf: directory("x.hdf5"))
      func code(_ body: () throws -> Void) -> NeedletailError.Code? {
        #expect(throws: NeedletailError.self) { try body() }?.code
      }
      #expect(code { _ = try file.vectors(.train, rows: 0..<1) } == .unsupportedFormat)
      #expect(code { _ = try file.vectors(.test, rows: 0..<1) } == .capacityExceeded)
      #expect(code { _ = try file.vectors(.distances, rows: 0..<1) } == .notFound)
      #expect(code { _ = try file.neighbors(rows: 0..<1) } == .corrupted)
      #expect(code { try file.write(.distances, to: directory("x.fbin")) } == .notFound)
      #expect(code { _ = try file.vectors(.neighbors, rows: 0..<1) } == .unsupportedFormat)
      #expect(directory.names == ["x.hdf5"])
    }

    @Test func anArrayThatWasNeverWrittenTakesNoMemory() throws {
      let directory = try TemporaryDirectory()
      try make(directory("x.hdf5")) { file in
        add(file, "train", [1 << 40, 4], ndl_h5_float32(), [Float](), chunk: [1024, 4])
        add(file, "neighbors", [1 << 40, 4], ndl_h5_int64(), [Int64](), chunk: [1024, 4])
      }
      let file = try AnnBenchmarksFile(contentsOf: directory("x.hdf5"))
      for dataset in [.train, .neighbors] as [AnnBenchmarksFile.Dataset] {
        let error = #expect(throws: NeedletailError.self) { try file.shape(of: dataset) }
        #expect(error?.code == .corrupted)
      }
    }

    @Test func aCutFileIsRefused() throws {
      let directory = try TemporaryDirectory()
      try makeSound(directory("x.hdf5"))
      let bytes = try directory.bytes("x.hdf5")
      for length in stride(from: 0, to: bytes.count, by: 97) {
        let path = try directory.write(Array(bytes.prefix(length)), "y.hdf5")
        #expect(throws: NeedletailError.self) { try AnnBenchmarksFile(contentsOf: path) }
      }
    }

    @Test func aMatrixIsNotReadFromSeveral() throws {
      let directory = try TemporaryDirectory()
      try makeSound(directory("x.hdf5"))
      let error = #expect(throws: NeedletailError.self) {
        try VectorMatrix(contentsOf: directory("x.hdf5"))
      }
      #expect(error?.message.contains("needletail convert") == true)
    }
  }
#else
  @Suite struct AnnBenchmarksTests {
    @Test(arguments: ["x.hdf5", "/no/such/x.h5"]) func theBuildCommandIsNamed(path: String) {
      for read in [
        { _ = try AnnBenchmarksFile(contentsOf: path) }, { _ = try VectorMatrix(contentsOf: path) },
        { _ = try VectorStream(contentsOf: path) }, { _ = try GroundTruthFile(contentsOf: path) },
      ] as [() throws -> Void] {
        let error = #expect(throws: NeedletailError.self) { try read() }
        #expect(error?.code == .unsupportedFormat)
        #expect(error?.message.contains("swift build -c release --traits Tools,HDF5") == true)
      }
    }
  }
#endif
