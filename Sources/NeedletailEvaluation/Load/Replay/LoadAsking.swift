import NeedletailCore

/// Makes requests of arrivals: what was recorded of them, and for the rest what the mix draws; the same for the same seed.
struct LoadAsking {
  /// What one arrival asks for.
  struct Asked {
    /// The row of the query.
    var query: Int
    var k: Int
    var priority: LoadPriority
    /// A place in the names of the tenants.
    var tenant: Int
  }

  /// The tenants, and for each record where its own are among them.
  let tenants: LoadTenants
  private var draw: LoadDraw
  private let k: Int

  init(_ schedule: LoadSchedule, _ mix: LoadMix, queries: Int, k: Int, seed: UInt64) {
    tenants = LoadTenants(mix, schedule)
    draw = LoadDraw(mix, queries: queries, seed: seed)
    self.k = k
  }

  /// What the next arrival asks for; asked once for each, in their order.
  mutating func ask(_ arrival: LoadArrival) -> Asked {
    let recorded = arrival.recorded
    let query = recorded?.query.map { Int($0) } ?? draw.query()
    let priority = recorded?.priority ?? draw.priority()
    let tenant = tenants.place(recorded?.tenant, part: arrival.part) ?? draw.tenant()
    return Asked(
      query: query, k: recorded?.k.map { Int($0) } ?? k, priority: priority, tenant: tenant)
  }
}
