// Needletail's figures for an index that takes writes: how fast it takes them, what searches pay meanwhile, and what is
// left of recall and memory after most rows have been replaced.
//
//   updates <base.fbin> <query.fbin> <metric> <work folder> [rounds] [share replaced per round]

import Foundation
import Needletail
import NeedletailCore
import NeedletailEvaluation

@main
struct Main {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 5, let metric = Metric(rawValue: arguments[3]) else {
      print("usage: updates <base> <queries> <l2|ip|cosine> <work folder> [rounds] [rows a round]")
      exit(64)
    }
    let base = try VectorMatrix(contentsOf: arguments[1])
    let queries = try VectorMatrix(contentsOf: arguments[2])
    let rounds = arguments.count > 5 ? Int(arguments[5]) ?? 10 : 10
    let perRound = arguments.count > 6 ? Int(arguments[6]) ?? base.count / 20 : base.count / 20
    let churn = try Churn(base, queries, metric, folder: arguments[4])
    try churn.run(rounds: rounds, perRound: perRound)
  }
}
