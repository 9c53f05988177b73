// The vocabulary and the file formats belong to the face of the library: one import serves.
@_exported public import NeedletailCore
@_exported public import NeedletailFormats
