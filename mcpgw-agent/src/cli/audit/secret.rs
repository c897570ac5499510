//! Where a key goes that is shown: to a terminal somebody looks at, or to a file of its own.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::anyhow;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

use crate::audit::SealKey;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::Output;
use crate::cli::text::{Line, Style};

/// Says whether a secret can be shown; before it is made, so that none is lost.
pub(super) fn check(output: Option<&Path>) -> Result<(), CliError> {
    match output {
        Some(path) if path.symlink_metadata().is_ok() => {
            Err(CliError::new(exit::USAGE, anyhow!("`{}` is there already", path.display())))
        }
        None if !Output::new().is_terminal() => {
            let error = anyhow!("a key is shown to a terminal alone, and standard output is none");
            Err(CliError::new(exit::USAGE, error).hinted("--output writes it to a file only you can read"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Shows `key`, as text and as a QR code, or writes it to `output`.
pub(super) fn show(key: &SealKey, output: Option<&Path>) -> Result<Vec<Line>, CliError> {
    let text = key.text();
    if let Some(path) = output {
        write(path, &text).map_err(|error| {
            CliError::failure(anyhow::Error::new(error).context(format!("cannot write `{}`", path.display())))
        })?;
        return Ok(vec![Line::plain(&format!("It is in {}, which only you can read.", path.display()))]);
    }
    let mut lines = vec![Line::styled(Style::Bold, &text), Line::default()];
    lines.extend(qr(&text)?.lines().map(Line::plain));
    Ok(lines)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// In capital letters a QR code is smaller, and the key is the same. Light is drawn, as on a dark terminal.
fn qr(text: &str) -> Result<String, CliError> {
    let code = QrCode::with_error_correction_level(text.to_ascii_uppercase(), EcLevel::M);
    let code = code.map_err(CliError::failure)?;
    Ok(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}
