import NeedletailCore
import NeedletailStorage

/// Where a part of a segment lies once it is open.
package enum Placement: Sendable, Hashable {
  /// Copied into anonymous memory, in huge pages where the system has them.
  case resident
  /// Left in the file; pages come and go.
  case mapped
}

/// Where each component of a segment is placed.
package struct Placements: Sendable, Hashable {
  package var codes = Placement.resident
  package var graph = Placement.resident
  package var rows = Placement.mapped
  package var ids = Placement.resident

  package init() {}
}

/// The bytes of one component, wherever they lie.
@safe
struct Component: @unchecked Sendable {
  // SAFETY: the owner keeps the bytes, which nobody changes.

  let bytes: UnsafeRawBufferPointer
  let owner: any AnyObject & Sendable

  /// Takes a section of a file.
  init(
    _ file: SectionedFile, _ section: Section, _ placement: Placement
  ) throws(NeedletailError) {
    let mapped = unsafe file.bytes(section)
    switch placement {
    case .mapped:
      unsafe bytes = mapped
      owner = file
    case .resident:
      let block = try MemoryBlock(byteCount: mapped.count)
      unsafe block.mutableBytes.copyMemory(from: mapped)
      unsafe bytes = block.bytes
      owner = block
      // The copy is what will be read; the file's pages need not stay in memory for it.
      file.region.advise(.dontNeed, section.range)
    }
  }

  /// An empty component.
  init() throws(NeedletailError) {
    let block = try MemoryBlock(byteCount: 0)
    unsafe bytes = block.bytes
    owner = block
  }

  /// The bytes, for those who look after their pages.
  var memory: MemoryRange { unsafe MemoryRange(bytes, owner: owner) }

  /// The first byte.
  @unsafe @inline(__always)
  var start: UnsafeRawPointer { unsafe bytes.baseAddress.unsafelyUnwrapped }
}
