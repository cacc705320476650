//! Random names that nobody guesses.

use std::{fs::File, io::Read};

use crate::error::StartError;

/// 128 random bits as 32 hexadecimal digits.
#[expect(clippy::disallowed_methods, reason = "a device, by its fixed name")]
pub(crate) fn random() -> Result<String, StartError> {
    let mut bytes = [0u8; 16];
    let mut source = File::open("/dev/urandom").map_err(StartError::system("random numbers"))?;
    source
        .read_exact(&mut bytes)
        .map_err(StartError::system("random numbers"))?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn tokens_differ_and_have_a_fixed_length() {
        let (one, two) = (super::random().unwrap(), super::random().unwrap());
        assert_eq!((one.len(), two.len()), (32, 32));
        assert_ne!(one, two);
    }
}
