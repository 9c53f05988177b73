/// How far apart two vectors are.
///
/// Distances are `Float`, and **lower is nearer for every metric**.
public enum Metric: String, Sendable, Hashable, CaseIterable, Codable {
  /// Sum of squared component differences, `Σ(qⱼ − xⱼ)²`; squared units of the components.
  case squaredEuclidean = "l2"
  /// The negated inner product, `−Σ qⱼ·xⱼ`.
  case innerProduct = "ip"
  /// One minus the cosine of the angle, `1 − q·x / (‖q‖·‖x‖)`, from 0 to 2.
  case cosine = "cosine"
}
