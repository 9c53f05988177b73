package import NeedletailCore

extension IndexDirectory {
  /// Writes a sealed file: under a partial name first, then under the name of its contents.
  ///
  /// One file of a kind at a time. The file and its name are durable on return; a file of the same
  /// contents is replaced by its equal. After a failure no partial file is left, unless removing it
  /// fails too.
  ///
  /// - Returns: what a manifest says about the file, with a row count of 0.
  package func seal(
    _ format: FileFormat, requiredFeatures: UInt64 = 0, optionalFeatures: UInt64 = 0,
    _ body: (SectionedFileWriter) throws(NeedletailError) -> Void
  ) throws(NeedletailError) -> FileReference {
    let directory = path + "/\(format.name)s"
    let partial = directory + "/new" + Self.partialSuffix
    return try writing(partial) { () throws(NeedletailError) in
      let writer = try SectionedFileWriter(
        format, at: partial, in: fileSystem, requiredFeatures: requiredFeatures,
        optionalFeatures: optionalFeatures)
      try body(writer)
      let (hash, byteCount) = try writer.finish()
      try fileSystem.rename(partial, to: path(of: format, hash))
      try fileSystem.synchronizeDirectory(directory)
      return FileReference(hash: hash, byteCount: UInt64(byteCount))
    }
  }

  /// Makes a manifest the generation in use: readers see the old one or the new one, never neither.
  ///
  /// The sealed files that it names are there already. Durable on return. When it throws, the old
  /// generation is still in use, or the new one is in use and only its durability is in doubt.
  ///
  /// - Throws: `invalidConfiguration` when the generation is not newer than the one in use; `io`.
  package func publish(_ manifest: Manifest) throws(NeedletailError) {
    if try fileSystem.kind(of: currentPath) != nil {
      let current = try currentGeneration()
      guard manifest.generation > current else {
        throw NeedletailError(
          .invalidConfiguration,
          "Generation \(manifest.generation) is not newer than \(current), which is in use.",
          at: .init(path: path))
      }
    }
    let manifestPath = manifestPath(manifest.generation)
    try writing(manifestPath + Self.partialSuffix) { () throws(NeedletailError) in
      try manifest.write(to: manifestPath + Self.partialSuffix, in: fileSystem)
      try fileSystem.rename(manifestPath + Self.partialSuffix, to: manifestPath)
      try fileSystem.synchronizeDirectory(path + "/generations")
    }
    try writing(currentPath + Self.partialSuffix) { () throws(NeedletailError) in
      let file = try fileSystem.create(currentPath + Self.partialSuffix)
      try file.write(CurrentGeneration.encode(manifest.generation))
      try file.synchronize()
      try file.close()
      try fileSystem.rename(currentPath + Self.partialSuffix, to: currentPath)
      try fileSystem.synchronizeDirectory(path)
    }
  }

  /// Removes what an interrupted writer left behind; only the one writer may call it.
  ///
  /// - Returns: the paths that were removed.
  @discardableResult
  package func removePartialFiles() throws(NeedletailError) -> [String] {
    var removed: [String] = []
    for directory in [path] + Self.subdirectories.map({ path + "/" + $0 }) {
      for name in try fileSystem.list(directory) where name.hasSuffix(Self.partialSuffix) {
        try fileSystem.remove(directory + "/" + name)
        removed.append(directory + "/" + name)
      }
    }
    return removed
  }

  /// Does work that makes a partial file and renames it; when it fails, the partial file goes.
  private func writing<Value>(
    _ partial: String, _ work: () throws(NeedletailError) -> Value
  ) throws(NeedletailError) -> Value {
    // What a writer left that was killed here would be in the way.
    if try fileSystem.kind(of: partial) != nil { try fileSystem.remove(partial) }
    do throws(NeedletailError) { return try work() } catch {
      // The first failure is the one to tell; a file that stays is removed by the next writer.
      try? fileSystem.remove(partial)
      throw error
    }
  }
}

extension WritableFile {
  /// Appends an array.
  package func write(_ bytes: [UInt8]) throws(NeedletailError) {
    let result: Result<Void, NeedletailError> = unsafe bytes.withUnsafeBytes { bytes in
      Result { () throws(NeedletailError) in unsafe try write(bytes) }
    }
    try result.get()
  }
}
