import NeedletailCore
import NeedletailEngine
import NeedletailStorage

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// Writes an index on the real disk until it is killed, and says after every step what must not be lost; another run
// checks that. `.ci/kill-check` kills it at every system call that changes the disk.

struct KilledWriter {
  let directory: IndexDirectory
  private var path: String { directory.path }

  init(_ path: String) { directory = IndexDirectory(path, in: LocalFileSystem()) }

  /// Makes an empty index.
  func make() throws(NeedletailError) {
    try LocalIndex.create(
      path,
      SegmentOrder(
        options: Script.build(), rows: [], ids: [], findings: RowFindings(), threads: 1,
        monitor: nil))
  }

  /// Opens the index, reading its log, and goes on with the script; each line that is printed is a promise.
  func run(through last: UInt64) throws(NeedletailError) {
    let index = try LocalIndex.write(path, Script.options()).index
    try index.linkMore(100)
    var step = index.view.sourceOffsets[Script.source] ?? 0
    // The withdrawal behind the last batch may be missing; made twice, it does no harm.
    if step > 0 { try change(step, index) }
    while step < last {
      step += 1
      try index.update(Script.request(step))
      say("log \(step)")
      try change(step, index)
      if let policy = Script.seal(after: step) {
        try index.seal(policy)
        say("generation \(index.view.generation.manifest.generation)")
      }
    }
    guard last == Script.steps, let oldest = try index.generations().first else { return }
    let target = try directory.manifest(oldest).sourceOffsets[Script.source] ?? 0
    say("maybe \(target)")
    try index.rollback(to: oldest)
    say("log \(target)")
    say("generation \(index.view.generation.manifest.generation)")
    try index.close()
  }

  private func change(_ step: UInt64, _ index: LiveIndex) throws(NeedletailError) {
    let (isWithdrawn, ids) = Script.change(step)
    if isWithdrawn { try index.withdraw(ids) } else { try index.reinstate(ids) }
    say("withdrawn \(step)")
  }

  /// Goes as far as the middle of a log, and leaves what a cut-off write leaves behind its end.
  func crash() throws(NeedletailError) {
    try run(through: 8)
    let disk = LocalFileSystem()
    let numbers = try disk.list(directory.logPath).compactMap { UInt64($0.prefix { $0 != "." }) }
    let name = directory.logPath(numbers.max() ?? 0)
    let file = try disk.reopen(name)
    let end = try disk.byteCount(of: name) ?? 0
    let result = unsafe [UInt8](repeating: 7, count: 99).withUnsafeBytes { bytes in
      Result { () throws(NeedletailError) in unsafe try file.write(bytes, at: end) }
    }
    try result.get()
    try file.close()
  }
}

/// What a writer said before it ended.
struct Promises {
  /// The last step that was acknowledged.
  var step: UInt64
  /// Where a rollback was to lead, which may have come to its end.
  var target: UInt64
  var withdrawn: UInt64
  var generation: UInt64

  /// Opens the index anew, for reading and for writing, and compares both with what was promised.
  func fault(_ directory: IndexDirectory) throws(NeedletailError) -> String? {
    let manifest = try directory.manifest()
    guard (generation...(generation + 1)).contains(manifest.generation) else {
      return "generation \(manifest.generation)"
    }
    guard try RecoveryMark(directory).failures <= 1 else { return "the mark counts too much" }
    var reader = WithdrawalReader(directory, indexIdentity: manifest.indexIdentity)
    _ = try reader.poll()
    let ids = reader.ids
    guard [withdrawn, withdrawn + 1].contains(where: { Script.withdrawn(after: $0) == ids }) else {
      return "\(ids.count) ids are withdrawn"
    }
    let follower = try LocalIndex.follow(directory.path, Script.options(), isVerified: true)
    if let fault = fault(follower.view, ids) { return "read: " + fault }
    // The kernel gave the lock back.
    let index = try LocalIndex.write(directory.path, Script.options()).index
    if let fault = fault(index.view, ids) { return "written: " + fault }
    guard index.withdrawnIDs == ids else { return "the writer knows other withdrawals" }
    try index.close()
    guard try RecoveryMark(directory).failures == 0 else { return "the mark stays" }
    return nil
  }

  private func fault(_ view: IndexView, _ withdrawn: Set<VectorID>) -> String? {
    let step = view.sourceOffsets[Script.source] ?? 0
    guard [self.step, self.step + 1, target].contains(step) else {
      return "the source stands at \(step)"
    }
    let content = Script.content(after: step).filter { !withdrawn.contains($0.key) }
    guard view.ids == content.keys.sorted(), view.count == content.count else {
      return "after step \(step) there are \(view.ids)"
    }
    for (id, writer) in content {
      let wanted = Script.row(id, writer)
      var row = [Float](repeating: 0, count: wanted.count)
      let isThere = unsafe row.withUnsafeMutableBufferPointer { buffer in
        unsafe buffer.baseAddress.map { unsafe view.export(id, into: $0) } ?? false
      }
      guard isThere, zip(row, wanted).allSatisfy({ abs($0 - $1) < 1e-3 }),
        view.attributes(of: id) == Script.attributes(writer)
      else { return "\(id) is not as step \(writer) wrote it" }
    }
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
let writer = KilledWriter(arguments[2])
let numbers = arguments[3...].compactMap { UInt64($0) }
switch (arguments[1], numbers.count) {
case ("make", 0): try writer.make()
case ("crash", 0): try writer.crash()
case ("run", 1): try writer.run(through: numbers[0])
case ("check", 4):
  let promises = Promises(
    step: numbers[0], target: numbers[1], withdrawn: numbers[2], generation: numbers[3])
  if let fault = try promises.fault(writer.directory) {
    say(fault)
    exit(1)
  }
default: exit(64)
}
