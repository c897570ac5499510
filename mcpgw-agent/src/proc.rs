//! `/proc` and `sock_diag`: the start-up scan, enrichment, and the fallback without BPF.
