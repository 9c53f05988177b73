import NeedletailCore

extension LoadTally {
  /// The slice of an instant; slices up to it are begun.
  mutating func place(of instant: Int64) -> Int {
    let place = Int(max(0, instant - start) / slice)
    while slices.count <= place {
      let offset = Int64(slices.count) * slice
      slices.append(
        LoadSlice(
          start: Double(offset) / 1e9, seconds: Double(max(1, min(slice, length - offset))) / 1e9,
          vocabulary: vocabulary))
      open.append(OpenSlice(latency: spare.popLast() ?? LatencyRecorder()))
    }
    return place
  }

  /// Begins the slices up to an instant, also those that nothing was meant for.
  mutating func begin(at instant: Int64) { _ = place(of: instant) }

  /// Notes what could be seen at the end of a slice.
  mutating func sample(_ gauges: LoadGauges, memory: Int?, slice number: Int) {
    guard slices.indices.contains(number) else { return }
    slices[number].memoryBytes = gauges.memoryBytes ?? memory
    slices[number].longestQueue = gauges.longestQueue
    slices[number].queueBound = gauges.queueBound
  }

  /// Closes slices that ended before an instant and wait for nothing, and takes their room back.
  ///
  /// - Returns: Whether one that ended before `overdue` still waits.
  mutating func close(before instant: Int64, overdue: Int64 = .min) -> Bool {
    var waits = false
    for number in firstOpen..<slices.count where open[number] != nil {
      let end = start + Int64(number + 1) * slice
      guard end <= instant else { break }
      if let waiting = open[number]?.waiting, waiting > 0 {
        if end <= overdue { waits = true }
        continue
      }
      close(number)
    }
    while firstOpen < slices.count, open[firstOpen] == nil { firstOpen += 1 }
    return waits
  }

  /// Closes every slice.
  mutating func closeAll() {
    for number in firstOpen..<slices.count { close(number) }
    firstOpen = slices.count
  }

  private mutating func close(_ number: Int) {
    guard var work = open[number].take() else { return }
    slices[number].p50Microseconds = work.latency.microseconds(atPercentile: 50)
    slices[number].p95Microseconds = work.latency.microseconds(atPercentile: 95)
    slices[number].p99Microseconds = work.latency.microseconds(atPercentile: 99)
    if slices[number].answered > 0 {
      for stage in vocabulary.stages.indices {
        slices[number].stageMicroseconds[stage] =
          Double(work.stages[stage]) / 1000 / Double(slices[number].answered)
      }
    }
    work.latency.reset()
    spare.append(work.latency)
  }

  /// Ends the run's own account.
  mutating func judge(strays: Int, isPinned: Bool, faults: [String]) {
    validity.strays = strays
    validity.isPinned = isPinned
    validity.faults = faults
    validity.lagP99Microseconds = lag.microseconds(atPercentile: 99)
    validity.greatestLagMicroseconds = lag.greatestMicroseconds
    validity.judge()
  }
}
