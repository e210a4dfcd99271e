//! `kirkwall-lab base`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use kirkwall_lab::base_station::{BaseConfig, BaseStation, Identity, Order, Proof, Seen, Standing};
use kirkwall_lab::radio::{Place, Radio};
use kirkwall_lab::sip::Failure;
use tokio::sync::mpsc;

use super::{print_line, told_to_stop};

/// A native base station on the base link, OBL/1. Prints a JSON line at each change of its state.
///
/// Takes orders from standard input, one a line: `cut SECONDS`, `deafen`, `hear`, `firmware STRING`,
/// `half-frame`, `bad-frame`, `flood COUNT`, `forget-session`, `kill`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    base: BaseArguments,
}

/// What makes a base; a native handset brings one along.
#[derive(clap::Args)]
pub struct BaseArguments {
    /// The switch's base link.
    #[arg(long)]
    switch: SocketAddr,
    /// Its name for TLS.
    #[arg(long, default_value = "localhost")]
    switch_name: String,
    /// MAC address, twelve hexadecimal digits.
    #[arg(long, default_value = "0013D1000001", value_parser = mac)]
    id: [u8; 6],
    /// The one-time token with which it enrols.
    #[arg(long, env = "KIRKWALL_LAB_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Keeps its certificate here, and shows it the next time.
    #[arg(long)]
    identity: Option<PathBuf>,
    /// Firmware.
    #[arg(long, default_value = "PCS12A_")]
    firmware: String,
    /// Maker and model.
    #[arg(long, default_value = "Lab RFP")]
    model: String,
    /// 1 base station, 2 media resource.
    #[arg(long, default_value_t = 1)]
    role: u8,
    /// Where it hangs: metres east and north.
    #[arg(long, value_parser = place, default_value = "0,0")]
    place: Place,
    /// Our address.
    #[arg(long, default_value = "127.0.0.1")]
    ip: IpAddr,
    /// How its clock runs away, parts per million.
    #[arg(long, default_value_t = 0.5)]
    drift: f64,
}

impl BaseArguments {
    /// Starts the base in this world.
    pub fn start(&self, radio: &Radio) -> Result<BaseStation, Failure> {
        let proof = match (&self.identity, &self.token) {
            (Some(file), _) if file.exists() => Proof::Identity(Identity::load(file)?),
            (_, Some(token)) => Proof::Token(token.clone()),
            (_, None) => Proof::Nothing,
        };
        let config = BaseConfig {
            switch_name: self.switch_name.clone(),
            model: self.model.clone(),
            firmware: self.firmware.clone(),
            role: self.role,
            proof,
            place: self.place,
            ip: self.ip,
            drift_ppm: self.drift,
            ..BaseConfig::new(self.switch, self.id, "")
        };
        Ok(BaseStation::start(config, radio))
    }

    /// Keeps the certificate, when there is one and a place for it.
    pub fn keep_identity(&self, base: &BaseStation) -> Result<(), Failure> {
        match (&self.identity, base.identity()) {
            (Some(file), Some(identity)) if !file.exists() => identity.save(file),
            _ => Ok(()),
        }
    }
}

pub async fn run(arguments: Arguments) -> Result<bool, Failure> {
    let radio = Radio::default();
    let base = arguments.base.start(&radio)?;
    let (mut orders, mut listens) = (standard_input(), true);
    let mut shown = None;
    loop {
        let seen = base.seen();
        if shown.as_ref() != Some(&seen) {
            print_line(&line(&seen))?;
            arguments.base.keep_identity(&base)?;
            shown = Some(seen.clone());
        }
        tokio::select! {
            () = told_to_stop() => {
                base.stop().await;
                return Ok(true);
            }
            order = orders.recv(), if listens => match order {
                Some(text) if text.trim() == "kill" => {
                    base.kill();
                    return Ok(true);
                }
                Some(text) => match parse_order(&text) {
                    Some(order) => base.order(order).await?,
                    None => eprintln!("no such order: {text}"),
                },
                None => listens = false,
            },
            _ = base.wait_for(Duration::from_secs(3_600), |now| *now != seen) => {}
        }
    }
}

/// Lines as they come. The thread ends with standard input or the process.
fn standard_input() -> mpsc::Receiver<String> {
    let (found, lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        let lines = std::io::stdin().lines().map_while(Result::ok);
        for line in lines {
            if found.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

fn line(seen: &Seen) -> serde_json::Value {
    let (standing, refusal) = match &seen.standing {
        Standing::Unlinked => ("unlinked", serde_json::Value::Null),
        Standing::Linked => ("linked", serde_json::Value::Null),
        Standing::Refused { reason, fw_min, text } => {
            ("refused", serde_json::json!({"reason": reason, "firmware_minimum": fw_min, "text": text}))
        }
    };
    serde_json::json!({
        "standing": standing,
        "refusal": refusal,
        "radio": seen.radio,
        "sync": seen.sync,
        "sync_source": seen.sync_source,
        "radio_number": seen.rfpi.map(|rfpi| rfpi.rpn()),
        "busy": seen.busy,
        "connections": seen.connections,
        "media": seen.media.0,
        "media_srtp": seen.media.1,
        "welcomes": seen.welcomes.0,
        "resumed": seen.welcomes.1,
        "lamp": seen.lamp,
        "faults": seen.faults,
    })
}

fn parse_order(text: &str) -> Option<Order> {
    let mut words = text.split_whitespace();
    let (verb, value) = (words.next()?, words.next());
    Some(match verb {
        "cut" => Order::Cut(Duration::try_from_secs_f64(value?.parse().ok()?).ok()?),
        "deafen" => Order::Deafen(true),
        "hear" => Order::Deafen(false),
        "firmware" => Order::Firmware(value?.to_owned()),
        "half-frame" => Order::HalfFrame,
        "bad-frame" => Order::BadFrame,
        "flood" => Order::Flood(value?.parse().ok()?),
        "forget-session" => Order::ForgetSession,
        _ => return None,
    })
}

fn mac(text: &str) -> Result<[u8; 6], String> {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let number = u64::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 12);
    let number = number.ok_or("a MAC address has twelve hexadecimal digits")?.to_be_bytes();
    Ok([number[2], number[3], number[4], number[5], number[6], number[7]])
}

fn place(text: &str) -> Result<Place, String> {
    let (x, y) = text.split_once(',').ok_or("two numbers with a comma between them")?;
    let metres = |text: &str| text.trim().parse::<f64>().map_err(|e| e.to_string());
    Ok(Place::new(metres(x)?, metres(y)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_from_a_line() {
        assert_eq!(parse_order("cut 5"), Some(Order::Cut(Duration::from_secs(5))));
        assert_eq!(parse_order(" flood 100 "), Some(Order::Flood(100)));
        assert_eq!(parse_order("firmware PCS07__"), Some(Order::Firmware("PCS07__".into())));
        for wrong in ["", "cut", "cut -1", "explode"] {
            assert_eq!(parse_order(wrong), None);
        }
        assert_eq!(mac("00:13:d1:00:00:ff"), Ok([0, 0x13, 0xD1, 0, 0, 0xFF]));
        assert!(mac("0013").is_err() && place("3").is_err());
    }
}
