#if Tools
  import Needletail
  import NeedletailEvaluation

  /// What the work of a query takes, reckoned from counts alone: the same index and queries come to the same price on any
  /// day and any machine, which a clock never says.
  ///
  /// The prices are a least-squares fit to the clock (AVX-512 VNNI, one thread; samples of 20 000 rows of three sets with
  /// 64, 128 and 384 components; m 16 and 32; windows of 10 to 300): off by 9 to 13 % on average. Those of rows
  /// that are ranked anew come from pairs of searches with and without. Another machine has other prices, mostly
  /// in the same proportion.
  struct WorkPrice {
    /// Nanoseconds of a query before its walk, of a row whose links are followed, of a comparison, and of a row that is
    /// ranked anew.
    private let query: Double
    private let hop: Double
    private let evaluation: Double
    private let rerank: Double

    /// The prices for vectors of so many components in a layout.
    init(_ layout: IndexLayout, dimensions: Int) {
      let dimensions = Double(dimensions)
      query = 200 + 2 * dimensions
      rerank = 10 + 0.1 * dimensions
      switch (layout.mode, layout.codes) {
      case ("turbo", _):
        // Most comparisons are of one bit a component.
        hop = 120
        evaluation = 1 + 0.021 * dimensions
      case (_, "none"):
        hop = 75
        evaluation = rerank
      default:
        hop = 75
        evaluation = 4.6 + 0.025 * dimensions
      }
    }

    /// Microseconds of one query.
    func microseconds(_ work: SearchStatistics) -> Double {
      (query + hop * Double(work.hops) + evaluation * Double(work.evaluations)
        + rerank * Double(work.rerankedRows)) / 1_000
    }
  }
#endif
