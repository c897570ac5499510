//! The configuration file: typed once, validated once.
