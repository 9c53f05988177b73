import NeedletailCore
import Testing

@Suite struct NeedletailErrorTests {
  @Test func theDescriptionHasMessagePlaceAndCause() {
    let cause = NeedletailError(.io, "The disk is full.")
    let error = NeedletailError(
      .corrupted, "3 rows, not 4.", at: .init(path: "a/b", section: "LNK0", byteOffset: 17),
      cause: cause)
    #expect(error.description == "3 rows, not 4. (a/b, LNK0, byte 17): The disk is full.")
    #expect(NeedletailError(.io, "No.").description == "No.")
    #expect(NeedletailError(.io, "No.", at: .init(path: "x")).description == "No. (x)")
  }

  @Test func codesHaveStableNames() {
    let codes: [NeedletailError.Code] = [
      .invalidConfiguration, .dimensionMismatch, .nonFiniteComponent, .zeroVector, .notFound,
      .alreadyExists, .locked, .unsupportedFormat, .corrupted, .capacityExceeded, .overBudget,
      .cancelled, .io,
    ]
    #expect(
      codes.map(\.description) == [
        "invalidConfiguration", "dimensionMismatch", "nonFiniteComponent", "zeroVector", "notFound",
        "alreadyExists", "locked", "unsupportedFormat", "corrupted", "capacityExceeded",
        "overBudget", "cancelled", "io",
      ])
    #expect(Set(codes).count == codes.count)
  }
}
