import NeedletailCore

/// How one number of a row is stored in a file, little-endian.
enum StoredComponent: String, Sendable, Hashable, CaseIterable {
  case float32, float16, uint8, int8, int32

  init(_ element: VectorMatrix.Element) {
    switch element {
    case .float32: self = .float32
    case .float16: self = .float16
    case .uint8: self = .uint8
    case .int8: self = .int8
    }
  }

  /// The size in bytes.
  var byteCount: Int {
    switch self {
    case .float32, .int32: 4
    case .float16: 2
    case .uint8, .int8: 1
    }
  }

  /// The element of a vector matrix; `nil` for row numbers.
  var element: VectorMatrix.Element? {
    switch self {
    case .float32: .float32
    case .float16: .float16
    case .uint8: .uint8
    case .int8: .int8
    case .int32: nil
    }
  }

  /// The most of them that one row may hold: vectors have dimensions, integer rows have answers.
  var widthLimit: Int { self == .int32 ? Limits.neighborsPerQuery : Limits.dimensions }

  /// What NumPy calls it.
  var descriptor: String {
    switch self {
    case .float32: "<f4"
    case .float16: "<f2"
    case .uint8: "|u1"
    case .int8: "|i1"
    case .int32: "<i4"
    }
  }
}

extension VectorFileFormat {
  /// The one component that files of the format hold; `nil` where the file says it itself.
  var fixedComponent: StoredComponent? {
    switch self {
    case .fvecs, .fbin: .float32
    case .bvecs, .u8bin: .uint8
    case .i8bin: .int8
    case .ivecs, .ibin: .int32
    case .npy, .hdf5: nil
    }
  }
}

extension RawSpan {
  /// One byte.
  ///
  /// - Precondition: `offset` lies inside the span.
  func byte(at offset: Int) -> UInt8 {
    // SAFETY: the load checks its bounds, and any byte is a UInt8.
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// Four bytes as a number, at any alignment.
  ///
  /// - Precondition: the four bytes lie inside the span.
  func littleEndianUInt32(at offset: Int) -> UInt32 {
    // SAFETY: the load checks its bounds, and any four bytes are a UInt32.
    UInt32(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
}
