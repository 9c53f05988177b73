import NeedletailCore
import NeedletailStorage
import _NeedletailTestSupport

/// A disk that fails on command: a simulated one, whose power can be cut, or this machine's.
enum ModelDisk {
  case simulated(SimulatedDisk)
  case real(FaultyFileSystem, TemporaryDirectory)

  static func real() throws(NeedletailError) -> ModelDisk {
    .real(FaultyFileSystem(LocalFileSystem(), synchronizes: false), try TemporaryDirectory())
  }

  /// Where the index is.
  var directory: IndexDirectory {
    switch self {
    case .simulated(let disk): IndexDirectory("index", in: disk)
    case .real(let disk, let home): IndexDirectory(home("index"), in: disk)
    }
  }

  /// Arms a fault, or none.
  func arm(_ fault: FaultyFileSystem.Fault?) {
    switch self {
    case .simulated(let disk): disk.arm(fault)
    case .real(let disk, _): disk.arm(fault)
    }
  }

  /// Ends the process, or cuts the power where that can be done.
  ///
  /// - Returns: whether it was the power.
  func end(powerFails: Bool, seed: UInt64) -> Bool {
    switch self {
    case .simulated(let disk):
      if powerFails { disk.crash(seed: seed) } else { disk.kill() }
      return powerFails
    case .real(let disk, _):
      disk.arm(nil)
      return false
    }
  }
}
