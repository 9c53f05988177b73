import NeedletailCore
import NeedletailFormats
import NeedletailStorage
import Testing

/// Small sound files of every format, cut at every length and flipped at every bit.
@Suite struct DamageTests {
  struct Sound: Sendable, CustomTestStringConvertible {
    var fileName: String
    var file: FileBytes
    var reader: HostileFile.Reader = .vectors
    /// Lengths at which a cut file is sound all the same.
    var soundLengths: Set<Int> = []
    var testDescription: String { "\(fileName) \(reader)" }
  }

  static let all = [
    Sound(fileName: "x.fvecs", file: FileBytes().row(3, of: 4).row(3, of: 4), soundLengths: [16]),
    Sound(fileName: "x.bvecs", file: FileBytes().row(5, of: 1).row(5, of: 1), soundLengths: [9]),
    Sound(
      fileName: "x.ivecs", file: FileBytes().row(2, of: 4).row(2, of: 4), reader: .integers,
      soundLengths: [12]),
    Sound(fileName: "x.fbin", file: .u32(3, 2).fill(24)),
    Sound(fileName: "x.u8bin", file: .u32(3, 5).fill(15)),
    Sound(fileName: "x.i8bin", file: .u32(3, 5).fill(15)),
    Sound(fileName: "x.ibin", file: .u32(3, 2).fill(24), reader: .integers),
    Sound(
      fileName: "x.ibin", file: .u32(3, 2).fill(48), reader: .groundTruth, soundLengths: [32]),
    Sound(fileName: "x.npy", file: .npy(FileBytes.header(), data: 24)),
    Sound(fileName: "x.npy", file: .npy(FileBytes.header("'<f2'"), version: 2, data: 12)),
    Sound(fileName: "x.npy", file: .npy(FileBytes.header("'|u1'"), version: 3, data: 6)),
    Sound(fileName: "x.npy", file: .npy(FileBytes.header("'<i4'"), data: 24), reader: .integers),
  ]

  @Test(arguments: all) func aFileCutAtAnyLengthIsRefused(_ sound: Sound) throws {
    #expect(try Self.outcome(sound, sound.file.bytes))
    for length in 0..<sound.file.bytes.count {
      let accepted = try Self.outcome(sound, Array(sound.file.bytes.prefix(length)))
      #expect(accepted == sound.soundLengths.contains(length), "\(length) bytes")
    }
  }

  @Test(arguments: all) func aFlippedBitNeverReachesOutsideTheFile(_ sound: Sound) throws {
    for bit in 0..<(sound.file.bytes.count * 8) {
      var bytes = sound.file.bytes
      bytes[bit / 8] ^= 1 << (bit % 8)
      _ = try Self.outcome(sound, bytes)
    }
  }

  @Test func randomDamageToArraysNeverTraps() throws {
    var generator = SplitMix64(seed: 11)
    let alphabet = Array("{}()[]',:<>|=0123456789 TrueFalseLdscihp\n\0\u{7f}".utf8)
    for _ in 0..<4000 {
      var bytes = Self.all[8].file.bytes
      for _ in 0...Int(generator.next(below: 4)) {
        let place = 8 + Int(generator.next(below: 75))
        switch generator.next(below: 3) {
        case 0: bytes[place] = alphabet[Int(generator.next(below: UInt64(alphabet.count)))]
        case 1: bytes.remove(at: place)
        default:
          bytes.insert(alphabet[Int(generator.next(below: UInt64(alphabet.count)))], at: place)
        }
      }
      _ = try Self.outcome(Self.all[8], bytes)
    }
  }

  /// Whether the bytes are accepted; everything accepted is read, and must lie inside the file.
  private static func outcome(_ sound: Sound, _ bytes: [UInt8]) throws -> Bool {
    let region = try FileBytes.raw(bytes).region(sound.fileName)
    do throws(NeedletailError) {
      switch sound.reader {
      case .vectors: read(try VectorMatrix(region), region)
      case .integers: read(try IntegerMatrix(region), region)
      case .groundTruth:
        let truth = try GroundTruthFile(region)
        read(truth.ids, region)
        if let distances = truth.distances { read(distances, region) }
      }
      return true
    } catch {
      #expect(error.location?.path == sound.fileName, "\(error)")
      return false
    }
  }

  private static func read(_ matrix: VectorMatrix, _ region: MappedRegion) {
    #expect(matrix.count * matrix.dimensions * matrix.element.byteCount <= region.count)
    guard matrix.count > 0 else { return }
    #expect(matrix.components.count == matrix.count * matrix.dimensions)
    let start = unsafe Int(bitPattern: region.bytes.baseAddress)
    let first = unsafe Int(bitPattern: matrix.rowAddress(0))
    let last = unsafe Int(bitPattern: matrix.rowAddress(matrix.count - 1))
    // A misaligned array is a copy; its own size is checked above.
    if first >= start, first < start + region.count {
      #expect(last + matrix.dimensions * matrix.element.byteCount <= start + region.count)
    }
  }

  private static func read(_ matrix: IntegerMatrix, _ region: MappedRegion) {
    #expect(matrix.count * matrix.width * 4 <= region.count)
    for row in 0..<matrix.count { #expect(matrix[row].count == matrix.width) }
  }
}
