public import NeedletailBudgets
public import Needletail

/// A query to a service, and how much it matters.
public struct ServiceRequest: Sendable {
  /// `[dimensions]` components.
  public var query: [Float]
  /// Neighbours that are asked for.
  public var k: Int
  /// Which items may be answers; `nil`: all.
  public var filter: Filter?
  /// How much it matters when not all can be served.
  public var priority: PriorityClass
  /// Who asks, by the name in the budget; `nil`: the budget's default tenant.
  public var tenant: String?
  /// The time that an answer may take, from the call on; `nil`: the `p99` of the tier that holds.
  public var deadline: Duration?
  /// How it is searched for at full quality, within the budget's envelope; `nil`: as `ServiceOptions.full` says.
  ///
  /// Another window, a recall, a cap for each group.
  /// The ladder makes less of it under load, as of any other. Its `budget` is not looked at: the deadline holds. Such answers come out of
  /// no cache and are not kept, and their recall is not estimated.
  public var search: SearchOptions?
  /// Whose trajectory the query is part of: what its session is likely to ask next is searched ahead, where the budget prefetches;
  /// `nil`: nobody's.
  public var session: UInt64?
  /// Whether an answer may come out of the cache.
  public var usesCache: Bool
  /// Whether one may come out of the cache that a change has made stale, labelled so, where the ladder has come to that.
  public var acceptsStale: Bool

  /// Makes a request.
  public init(
    query: [Float], k: Int = 10, filter: Filter? = nil, priority: PriorityClass = .critical,
    tenant: String? = nil, deadline: Duration? = nil, search: SearchOptions? = nil,
    session: UInt64? = nil, usesCache: Bool = true, acceptsStale: Bool = true
  ) {
    self.query = query
    self.k = k
    self.filter = filter
    self.priority = priority
    self.tenant = tenant
    self.deadline = deadline
    self.search = search
    self.session = session
    self.usesCache = usesCache
    self.acceptsStale = acceptsStale
  }
}

/// An answer, and how it was made.
public struct ServedAnswer: Sendable {
  /// The nearest items found, nearest first, ties by id.
  public var neighbors: [Neighbor]
  /// How it was made.
  public var certificate: Certificate

  /// Makes an answer of its parts, such as for a test of what uses them.
  public init(neighbors: [Neighbor], certificate: Certificate) {
    self.neighbors = neighbors
    self.certificate = certificate
  }
}

/// No answer, why, and when to ask again.
public struct Rejection: Error, Sendable, Hashable {
  /// Why a query was not answered.
  public enum Reason: String, Sendable, Hashable, CaseIterable, Codable, CodingKeyRepresentable {
    /// It could not have been answered in time.
    case deadline
    /// As many of its class wait as may.
    case queueFull
    /// Its tenant has as many waiting as it may, or has used up what it may use.
    case quota
    /// Load is so high that queries like it are not served.
    case shed
    /// The service is ending.
    case draining
  }

  /// Why.
  public var reason: Reason
  /// The time after which to ask again.
  public var retryAfter: Duration

  /// Makes a refusal of its parts, such as for a test of what handles them.
  public init(reason: Reason, retryAfter: Duration) {
    self.reason = reason
    self.retryAfter = retryAfter
  }
}

/// Why a service has no answer.
public enum ServiceError: Error, Sendable {
  /// The budget does not allow it now.
  case rejected(Rejection)
  /// The query, or the index, has a fault.
  case failed(NeedletailError)
}

/// What became of a request.
public typealias ServiceResult = Result<ServedAnswer, ServiceError>
