import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite struct DirectoryLockTests {
  private func failure(
    _ body: () throws(NeedletailError) -> Void
  ) -> NeedletailError? {
    do throws(NeedletailError) { try body() } catch { return error }
    return nil
  }

  private func taking(_ directory: String) -> NeedletailError? {
    failure { () throws(NeedletailError) in _ = try DirectoryLock(directory) }
  }

  @Test func oneWriterHoldsTheLockAndAnotherIsToldWhoDoes() throws {
    let temporary = try TemporaryDirectory()
    do {
      let lock = try DirectoryLock(temporary.path + "/")
      try lock.requireOwner()
      let refusal = try #require(taking(temporary.path))
      #expect(refusal.code == .locked && refusal.message.contains("process \(getpid());"))
      // Being refused takes nothing from the holder.
      #expect(taking(temporary.path)?.code == .locked)
      _ = consume lock
    }
    #expect(taking(temporary.path) == nil)
    #expect(try LocalFileSystem().list(temporary.path) == ["LOCK"])
    #expect(taking(temporary("none"))?.code == .notFound)
  }

  @Test func anotherProcessMayNotWrite() throws {
    let temporary = try TemporaryDirectory()
    let lock = try DirectoryLock(temporary.path)
    let refusal = failure { () throws(NeedletailError) in try lock.requireOwner(getpid() + 1) }
    #expect(refusal?.code == .locked && refusal?.message.contains("child") == true)
    _ = consume lock
  }

  @Test func whatIsInTheFileStopsNobody() throws {
    for text in ["", "\n", "x\n", "-1\n", "99999999999999999999\n", "12", "1234567890123456789"] {
      let temporary = try TemporaryDirectory()
      let file = try LocalFileSystem().create(temporary("LOCK"))
      try file.write(Array(text.utf8))
      try file.close()
      #expect(taking(temporary.path) == nil)
    }
  }

  @Test func refusalsSayWhatToDo() throws {
    for number in [ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL] {
      let refusal = DirectoryLock.refusal(number, path: "p")
      #expect(refusal.code == .io && refusal.message.contains("no locks"))
    }
    #expect(DirectoryLock.refusal(EAGAIN, path: "p", holder: 7).message.contains("process 7"))
    #expect(DirectoryLock.refusal(EACCES, path: "p").message.contains("another writer"))
    #expect(DirectoryLock.refusal(EIO, path: "p").code == .io)
  }

  #if os(Linux)
    /// A process that does nothing but hold the lock is killed; the kernel gives the lock back.
    @Test func aKilledHolderLeavesNoLock() throws {
      let temporary = try TemporaryDirectory()
      let path = temporary("LOCK")
      let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
      try #require(descriptor >= 0)
      var lock = flock()
      lock.l_type = Int16(F_WRLCK)
      #expect(unsafe fcntl(descriptor, 37, &lock) == 0)  // F_OFD_SETLK
      // SAFETY: the child shares the open file and calls nothing that takes a lock of the process.
      let child = unsafe unsafeBitCast(
        dlsym(nil, "fork"), to: (@convention(c) () -> pid_t).self)()
      if child == 0 {
        while true { pause() }
      }
      try #require(child > 0)
      let text = Array("\(child)\n".utf8)
      #expect(unsafe pwrite(descriptor, text, text.count, 0) == text.count)
      close(descriptor)
      let refusal = taking(temporary.path)
      #expect(refusal?.code == .locked && refusal?.message.contains("process \(child);") == true)
      kill(child, SIGKILL)
      var status: Int32 = 0
      #expect(unsafe waitpid(child, &status, 0) == child)
      #expect(taking(temporary.path) == nil)
    }
  #endif
}
