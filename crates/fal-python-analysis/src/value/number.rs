//! Numbers as `repr` prints them.

/// Prints a float.
pub(crate) fn float(value: f64) -> String {
    if value.is_infinite() {
        // `ast.unparse` writes this, because `inf` is not a literal.
        return "1e309".to_owned();
    }
    let text = general(value);
    if text.contains(['.', 'e']) {
        text
    } else {
        text + ".0"
    }
}

/// Prints a complex literal, of which only the imaginary part can be written.
pub(crate) fn complex(real: f64, imag: f64) -> String {
    let part = |value: f64| {
        if value.is_infinite() {
            "1e309".to_owned()
        } else {
            general(value)
        }
    };
    if real == 0.0 {
        format!("{}j", part(imag))
    } else {
        format!("({}+{}j)", part(real), part(imag))
    }
}

/// Prints the shortest digits, with an exponent where Python has one.
fn general(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// Converts digits of another base to base ten.
pub(super) fn rebase(digits: &str, radix: u32) -> String {
    const LIMB: u64 = 1_000_000_000;
    let mut limbs: Vec<u64> = vec![0];
    for digit in digits.chars().filter_map(|c| c.to_digit(radix)) {
        let mut carry = u64::from(digit);
        for limb in &mut limbs {
            let sum = *limb * u64::from(radix) + carry;
            *limb = sum % LIMB;
            carry = sum / LIMB;
        }
        if carry > 0 {
            limbs.push(carry);
        }
    }
    let mut text = limbs.pop().unwrap_or(0).to_string();
    limbs
        .iter()
        .rev()
        .for_each(|limb| text += &format!("{limb:09}"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_python_prints_them() {
        let printed: Vec<String> = [
            1.0,
            1.5,
            0.1,
            1e16,
            1e15,
            123_456_789.125,
            1e-4,
            1e-5,
            1.5e300,
            f64::INFINITY,
        ]
        .map(float)
        .into();
        assert_eq!(
            printed,
            [
                "1.0",
                "1.5",
                "0.1",
                "1e+16",
                "1000000000000000.0",
                "123456789.125",
                "0.0001",
                "1e-05",
                "1.5e+300",
                "1e309"
            ]
        );
        assert_eq!(complex(0.0, 2.0), "2j");
    }

    #[test]
    fn integers_of_any_base_become_decimal() {
        assert_eq!(
            super::super::decimal("0xFFFF_FFFF_FFFF_FFFF_F"),
            "295147905179352825855"
        );
        assert_eq!(super::super::decimal("0b101"), "5");
        assert_eq!(super::super::decimal("123_456"), "123456");
    }
}
