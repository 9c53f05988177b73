public import NeedletailCore

/// Decides how many neighbours of an answer are right.
public protocol LoadJudge {
  /// What answers are judged on.
  var basis: RecallBasis { get }

  /// The neighbours that a query has; nil: its answers are not judged.
  func neighbors(of query: Int) -> Int?

  /// How many of an answer's neighbours are right.
  func rightAnswers(_ answers: ArraySlice<Neighbor>, query: Int) -> Int
}

extension RecallJudge: LoadJudge {
  /// As many for each of its queries.
  public func neighbors(of query: Int) -> Int? { neighborsPerQuery }
}
