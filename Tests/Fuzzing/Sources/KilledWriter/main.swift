import NeedletailCore
import NeedletailStorage

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// Writes an index on the real disk until it is killed, and says after every step what must not be lost;
// another run checks that. `.ci/kill-check` kills it at every system call that changes the disk.

/// The `number`-th batch of the log.
func batch(_ number: UInt64) -> LogBatch {
  .upsert(
    ids: [number], dimensions: 40, components: (0..<40).map { Float(number * 100 + $0) },
    source: SourcePosition(name: "s", position: number))
}

/// What is withdrawn after so many changes: one id each, and every fourth comes back.
func withdrawn(after changes: UInt64) -> Set<VectorID> {
  Set((0..<changes).filter { $0 % 4 != 3 && !($0 % 4 == 2 && $0 + 1 < changes) })
}

struct KilledWriter {
  let directory: IndexDirectory
  static let identity = [UInt8](1...16)

  /// Makes an empty index.
  static func make(_ path: String) throws(NeedletailError) {
    let builder = try IndexDirectoryBuilder(target: path, in: LocalFileSystem())
    try builder.directory.publish(manifest(1, sealedLSN: 0))
    try builder.finish()
  }

  static func manifest(_ generation: UInt64, sealedLSN: UInt64) -> Manifest {
    var manifest = Manifest(
      indexIdentity: identity, dimensions: 40, metric: .cosine, generation: generation)
    manifest.sealedLSN = sealedLSN
    if sealedLSN > 0 { manifest.sourceOffsets["s"] = sealedLSN }
    return manifest
  }

  /// Commits, seals, withdraws; each line it prints is a promise.
  func run() throws(NeedletailError) {
    let lock = try DirectoryLock(directory.path)
    var mark = try RecoveryMark(directory)
    mark.begin("replaying the log")
    var options = LogOptions()
    options.fileByteCount = 900
    var withdrawalOptions = WithdrawalLog.Options()
    withdrawalOptions.rewriteByteCount = 600
    let present = try directory.manifest()
    var generation = present.generation
    let reader = LogReader(directory, indexIdentity: Self.identity, after: present.sealedLSN)
    let writer = try LogWriter.open(
      reader, sourceOffsets: present.sourceOffsets, options: options
    ) { _ throws(NeedletailError) in }.writer
    let log = try WithdrawalLog.open(
      directory, indexIdentity: Self.identity, options: withdrawalOptions
    ).log
    mark.clear()
    var changes: UInt64 = 0
    for step in 1...12 as ClosedRange<UInt64> {
      _ = try writer.append(batch(writer.lastLSN + 1))
      try writer.commit(step.isMultiple(of: 2) ? .synced : .buffered)
      say("log \(writer.writtenLSN)")
      if changes % 4 == 3 { try log.reinstate([changes - 1]) } else { try log.withdraw([changes]) }
      changes += 1
      say("withdrawn \(changes)")
      if step.isMultiple(of: 5) {
        try writer.roll()
        generation += 1
        try directory.publish(Self.manifest(generation, sealedLSN: writer.writtenLSN))
        say("generation \(generation)")
        try writer.removeFiles(sealedThrough: writer.writtenLSN)
        try directory.removeUnneeded(keeping: 1)
      }
    }
    _ = consume lock
  }

  /// Opens the index anew, and compares it with the last promises.
  func check(log promised: UInt64, withdrawn changes: UInt64, generation: UInt64) throws -> String?
  {
    // The kernel gave the lock back.
    _ = try DirectoryLock(directory.path)
    let manifest = try directory.manifest()
    if !(generation...(generation + 1)).contains(manifest.generation) {
      return "generation \(manifest.generation)"
    }
    var next = manifest.sealedLSN + 1
    var isEqual = true
    let reader = LogReader(directory, indexIdentity: Self.identity, after: manifest.sealedLSN)
    let (_, report) = try LogWriter.open(reader, sourceOffsets: manifest.sourceOffsets) {
      entry throws(NeedletailError) in
      isEqual = isEqual && entry.lsn == next && entry.batch == batch(next)
      next += 1
    }
    if !isEqual || report.loss != nil || !(promised...(promised + 1)).contains(next - 1) {
      return "the log ends at \(next - 1)"
    }
    let ids = try WithdrawalLog.open(directory, indexIdentity: Self.identity).ids
    if ids != withdrawn(after: changes), ids != withdrawn(after: changes + 1) {
      return "withdrawn are \(ids.sorted())"
    }
    if try RecoveryMark(directory).failures > 1 { return "the mark counts too much" }
    return nil
  }
}

/// Prints a line that is out of the process before anything else happens.
func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  unsafe bytes.withUnsafeBytes { _ = unsafe write(1, $0.baseAddress, $0.count) }
}

let arguments = CommandLine.arguments
guard arguments.count >= 3 else { exit(64) }
let writer = KilledWriter(directory: IndexDirectory(arguments[2], in: LocalFileSystem()))
switch arguments[1] {
case "make": try KilledWriter.make(arguments[2])
case "run": try writer.run()
default:
  let numbers = arguments[3...].compactMap { UInt64($0) }
  if let fault = try writer.check(log: numbers[0], withdrawn: numbers[1], generation: numbers[2]) {
    say(fault)
    exit(1)
  }
}
