//! Keys and values of the maps both sides share.
