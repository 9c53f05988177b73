import NeedletailCore

/// Hands on the status, every second.
struct StatusReporter {
  /// How often.
  static let interval = Nanoseconds.second

  private var due: Nanoseconds
  /// Whether the file could not be written the last time.
  private var isBroken = false

  init(due: Nanoseconds) { self.due = due }

  /// Whether it is time.
  mutating func isDue(at now: Nanoseconds) -> Bool {
    guard now >= due else { return false }
    due = now + Self.interval
    return true
  }

  /// Writes the file and calls the hook, where there are any.
  ///
  /// - Returns: that the file cannot be written any more: once, not every second.
  mutating func report(
    _ status: @autoclosure () -> ServiceStatus, _ options: ServiceOptions
  ) -> [ServiceEvent] {
    guard options.statusFile != nil || options.onStatus != nil else { return [] }
    let status = status()
    options.onStatus?(status)
    guard let path = options.statusFile else { return [] }
    do throws(NeedletailError) {
      try StatusFile(status).write(to: path, in: options.fileSystem)
      isBroken = false
      return []
    } catch {
      defer { isBroken = true }
      return isBroken ? [] : [.failure(error)]
    }
  }
}
