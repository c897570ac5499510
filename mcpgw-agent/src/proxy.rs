//! The byte path between client and server. In this version: `wrap`, a faithful pass-through.
