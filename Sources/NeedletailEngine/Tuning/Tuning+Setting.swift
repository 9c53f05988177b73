package import NeedletailCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Tuning {
  /// The setting for a recall and a number of answers.
  ///
  /// - Between two targets the width grows by a power of the share of misses, as it does when measured.
  /// - Below the least target, and above the greatest that was reached, the setting there is used.
  /// - For another `k` than was measured see `width(_:tunedFor:k:)`.
  /// - Precondition: `0 < recall ≤ 1`.
  package func setting(recall: Double, k: Int) -> Setting {
    var upper = 0
    while upper < settings.count - 1, settings[upper].target < recall { upper += 1 }
    var setting = settings[upper]
    if upper > 0, setting.target > recall {
      let below = settings[upper - 1]
      // At a recall of 1 there is no miss to take the logarithm of.
      let miss = (max(1 - below.target, 1e-9), max(1 - recall, 1e-9), max(1 - setting.target, 1e-9))
      let share = log(miss.0 / miss.1) / log(miss.0 / miss.2)
      let width = exp(
        log(Double(below.efSearch)) * (1 - share)
          + log(Double(setting.efSearch)) * share)
      setting.efSearch = Int(width.rounded())
    }
    setting.efSearch = Self.width(setting.efSearch, tunedFor: self.k, k: k)
    return setting
  }

  /// The width for another number of answers than was measured.
  ///
  /// For more answers it grows with the power 0.45 of their number: measured on three sets from 10 to 30 and
  /// to 100 answers, at recall 0.95 and 0.99, the powers were 0.27 to 0.45. For fewer it stays: from 10 to
  /// one, the width that is needed changed by factors of 0.7 to 1.5. Whoever wants the fastest setting for
  /// another number tunes with that.
  static func width(_ width: Int, tunedFor tuned: Int, k: Int) -> Int {
    guard k > tuned else { return width }
    let scaled = Double(width) * exp(log(Double(k) / Double(tuned)) * 0.45)
    return min(Limits.searchWidth, max(k, Int(scaled.rounded(.up))))
  }
}
