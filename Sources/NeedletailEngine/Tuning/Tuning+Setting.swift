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
        log(below.width(k: self.k)) * (1 - share) + log(setting.width(k: self.k)) * share)
      setting.take(width, k: self.k, isFine: isFine)
    }
    if k > self.k {
      let width = Self.width(setting.width(k: self.k), tunedFor: self.k, k: k)
      setting.take(width, k: k, isFine: isFine)
    }
    return setting
  }

  /// Whether the index that was measured takes widths between whole ones.
  private var isFine: Bool {
    for i in settings.indices where settings[i].gamma > 0 { return true }
    return false
  }

  /// The width for another number of answers than was measured.
  ///
  /// For more answers it grows with the power 0.45 of their number, at least to that number: measured on
  /// embeddings from 10 to 30 and to 100 answers, recall 0.90 to 0.99, that was never too little by more
  /// than a hair. For fewer it stays, and the walk is the one for the number that was tuned for
  /// (`SearchParameters.stopRank`). Whoever wants the fastest setting for another number tunes with that.
  static func width(_ width: Double, tunedFor tuned: Int, k: Int) -> Double {
    guard k > tuned else { return width }
    let scaled = width * exp(log(Double(k) / Double(tuned)) * 0.45)
    return min(Double(Limits.searchWidth), max(Double(k), scaled))
  }
}

extension Tuning.Setting {
  /// The width that the setting stands for, which need not be whole.
  func width(k: Int) -> Double {
    guard gamma > 0, gamma < 1, efSearch > k else { return Double(efSearch) }
    return Double(k) * exp(log(Double(efSearch) / Double(k)) * Double(gamma))
  }

  /// Makes this a setting of a width; of a whole one where no other can be had.
  ///
  /// - Precondition: `1 ≤ width ≤ Limits.searchWidth`.
  mutating func take(_ width: Double, k: Int, isFine: Bool) {
    gamma = 0
    efSearch = Int(width.rounded())
    guard isFine, width > Double(k), width != Double(efSearch) else { return }
    efSearch = Int(width.rounded(.up))
    gamma = Float(log(width / Double(k)) / log(Double(efSearch) / Double(k)))
  }
}
