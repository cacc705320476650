//! Random numbers: names that differ, waits that spread.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

/// 64 bits that differ each time. Nothing secret hangs on them: the standard library seeds its hashes with them.
pub(crate) fn bits() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Sixteen hexadecimal digits.
pub(crate) fn name() -> String {
    format!("{:016x}", bits())
}

/// Between 0 and 1.
pub(crate) fn part() -> f64 {
    // The upper 53 bits are what a float holds.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let part = (bits() >> 11) as f64 / (1u64 << 53) as f64;
    part
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_differ_and_parts_are_parts() {
        let many: std::collections::BTreeSet<_> = (0..1000).map(|_| super::bits()).collect();
        assert_eq!(many.len(), 1000);
        let parts: Vec<_> = (0..1000).map(|_| super::part()).collect();
        assert!(parts.iter().all(|part| (0.0..1.0).contains(part)));
        assert!(parts.iter().any(|part| *part < 0.25) && parts.iter().any(|part| *part > 0.75));
    }
}
