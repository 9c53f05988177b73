import Foundation
import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@Suite struct LocalFileSystemTests {
  let fileSystem = LocalFileSystem()
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func put(_ name: String, _ bytes: [UInt8]) throws {
    let file = try fileSystem.create(directory(name))
    try file.write(bytes)
    try file.synchronize()
    try file.close()
    try file.close()
  }

  private func code(_ body: () throws(NeedletailError) -> Void) -> NeedletailError.Code? {
    do { try body() } catch { return error.code }
    return nil
  }

  @Test func filesAreWrittenPatchedAndMapped() throws {
    let file = try fileSystem.create(directory("f"))
    try file.write([1, 2, 3, 4])
    unsafe try [UInt8]([9, 8]).withUnsafeBytes { unsafe try file.write($0, at: 1) }
    #expect(file.position == 4)
    try file.write([5])
    try file.synchronize()
    try file.close()
    let region = try fileSystem.map(directory("f"))
    #expect(region.array() == [1, 9, 8, 4, 5])
    #expect(region.count == 5 && region.isMapped && region.path == directory("f"))
    #expect(code { () throws(NeedletailError) in try file.write([1]) } == .io)
  }

  @Test(arguments: [0..<0, 0..<3, 2..<5, 4..<100, 50..<100])
  func aPartCanBeLeftOutOfACopy(gap: Range<Int>) throws {
    let bytes = [UInt8](1...9)
    try put("f", bytes)
    let memory = InMemoryFileSystem()
    try memory.setContents("f", bytes)
    let expected = bytes.enumerated().map { gap.contains($0) ? 0 : $1 }
    let region = try fileSystem.copy(directory("f"), leavingOut: gap)
    #expect(region.array() == expected && !region.isMapped && region.path == directory("f"))
    #expect(try memory.copy("f", leavingOut: gap).array() == expected)
    #expect(try fileSystem.read(directory("f")) == bytes)
    #expect(
      code { () throws(NeedletailError) in
        _ = try fileSystem.copy(directory("missing"), leavingOut: gap)
      } == .notFound)
  }

  @Test func theEmptyFileIsAnEmptyRegion() throws {
    try put("empty", [])
    let region = try fileSystem.map(directory("empty"))
    #expect(region.count == 0)
    let spanIsEmpty = region.span.isEmpty
    #expect(spanIsEmpty)
  }

  @Test func whatIsNoFileIsATypedErrorWithItsPath() throws {
    let pipeStatus = unsafe mkfifo(directory("pipe"), 0o600)
    #expect(pipeStatus == 0)
    try fileSystem.makeDirectory(directory("d"))
    for (name, expected) in [
      ("pipe", NeedletailError.Code.io), ("d", .io), ("missing", .notFound), ("d/x", .notFound),
      ("x\0y", .invalidConfiguration), ("pipe/x", .io),
      (String(repeating: "n", count: 300), .io),
    ] {
      do {
        _ = try fileSystem.map(directory(name))
        Issue.record("\(name) was mapped")
      } catch {
        #expect(error.code == expected, "\(name)")
        #expect(error.location?.path == directory(name))
      }
    }
    #expect(try fileSystem.kind(of: directory("pipe")) == .other)
    #expect(try fileSystem.kind(of: directory("d")) == .directory)
    #expect(try fileSystem.kind(of: directory("missing")) == nil)
  }

  @Test func unreadableFilesAreRefused() throws {
    // The superuser may read everything, so there is nothing to see then.
    guard getuid() != 0 else { return }
    try put("secret", [1])
    let modeStatus = unsafe chmod(directory("secret"), 0)
    #expect(modeStatus == 0)
    #expect(
      code { () throws(NeedletailError) in _ = try fileSystem.map(directory("secret")) } == .io)
  }

  @Test func creatingIsExclusive() throws {
    try put("f", [1])
    #expect(
      code { () throws(NeedletailError) in _ = try fileSystem.create(directory("f")) }
        == .alreadyExists)
    #expect(
      code { () throws(NeedletailError) in try fileSystem.makeDirectory(directory("f")) }
        == .alreadyExists)
    #expect(try fileSystem.map(directory("f")).array() == [1])
    #expect(
      code { () throws(NeedletailError) in _ = try fileSystem.create(directory("no/f")) }
        == .notFound)
  }

  @Test func renamingReplacesFilesAndMovingRefusesWhatExists() throws {
    try put("a", [1])
    try put("b", [2])
    try fileSystem.rename(directory("a"), to: directory("b"))
    #expect(try fileSystem.list(directory.path) == ["b"])
    #expect(try fileSystem.map(directory("b")).array() == [1])

    try fileSystem.makeDirectory(directory("from"))
    try fileSystem.makeDirectory(directory("empty"))
    for taken in ["empty", "b"] {
      #expect(
        code { () throws(NeedletailError) in
          try fileSystem.moveDirectory(directory("from"), toNew: directory(taken))
        } == .alreadyExists)
    }
    let linkStatus = unsafe symlink("nowhere", directory("link"))
    #expect(linkStatus == 0)
    #expect(
      code { () throws(NeedletailError) in
        try fileSystem.moveDirectory(directory("from"), toNew: directory("link"))
      } == .alreadyExists)
    try fileSystem.moveDirectory(directory("from"), toNew: directory("to"))
    try fileSystem.synchronizeDirectory(directory.path)
    #expect(try fileSystem.list(directory.path) == ["b", "empty", "link", "to"])
  }

  @Test func treesAreRemovedAndLinksAreNotFollowed() throws {
    try fileSystem.makeDirectory(directory("t"))
    try fileSystem.makeDirectory(directory("t/u"))
    try put("t/u/f", [1])
    try put("kept", [1])
    let linkStatus = unsafe symlink(directory.path, directory("t/up"))
    #expect(linkStatus == 0)
    #expect(
      code { () throws(NeedletailError) in try fileSystem.remove(directory("t")) } == .alreadyExists
    )
    try fileSystem.removeTree(directory("t"))
    #expect(try fileSystem.list(directory.path) == ["kept"])
    #expect(
      code { () throws(NeedletailError) in try fileSystem.removeTree(directory("t")) } == .notFound)
    try fileSystem.remove(directory("kept"))
    #expect(try fileSystem.list(directory.path).isEmpty)
  }

  @Test func noDescriptorLeaks() throws {
    try put("f", [1])
    let before = try fileSystem.list("/proc/self/fd").count
    for _ in 0..<50 {
      _ = try fileSystem.map(directory("f"))
      _ = try? fileSystem.map(directory("missing"))
      _ = try? fileSystem.map(directory.path)
      _ = try? fileSystem.create(directory("f"))
      try fileSystem.synchronizeDirectory(directory.path)
      _ = try fileSystem.create(directory("g"))
      try fileSystem.remove(directory("g"))
    }
    // Other tests run meanwhile and open a few of their own.
    #expect(try fileSystem.list("/proc/self/fd").count < before + 40)
  }

  @Test func systemErrorsSayWhatToDo() {
    for (number, code, word) in [
      (ENOSPC, NeedletailError.Code.io, "disk is full"), (EDQUOT, .io, "quota"),
      (EMFILE, .io, "ulimit -n"), (ENOENT, .notFound, "does not exist"),
      (EEXIST, .alreadyExists, "exists already"), (EACCES, .io, "permission"),
      (EIO, .io, "input/output"), (ENOMEM, .io, "memory"), (9999, .io, "errno 9999"),
    ] {
      let error = NeedletailError.system(number, "Testing", path: "some/path")
      #expect(error.code == code)
      #expect(error.description.contains(word))
      #expect(error.description.contains("some/path"))
    }
  }
}
