//! What a client heard: a recording, searched for the tone of one sender.
//!
//! A tone of `f` Hz advances by `0.02 f` turns in a packet of 20 ms. Tones are chosen so that the
//! fraction is 0.3: a packet that is missing shows as a step of 0.3 turns in the phase even if the
//! recorder joins what is left without a gap, and up to nine missing packets can be told apart.

use std::f64::consts::TAU;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// Samples per second of every recording and every tone.
pub const RATE: usize = 8_000;
/// Samples of one packet, and of one step of the analysis.
const FRAME: usize = RATE / 50;
/// Below this the frame is not the tone: silence, noise, or somebody else.
const FLOOR_DB: f64 = -40.0;
/// What a tone's phase is ahead after one frame, whole turns left out.
const TURNS_A_FRAME: f64 = 0.3;

/// A pitch that only one client sends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tone {
    pub hertz: u32,
}

impl Tone {
    /// The n-th tone: 515, 665, 815 Hz, … All have 0.3 of a turn over in a packet.
    pub const fn number(n: u32) -> Tone {
        Tone { hertz: 515 + 150 * n }
    }

    /// The tone at a tenth of full power (-10 dB), as 16-bit samples.
    pub fn samples(self, duration: Duration) -> Vec<i16> {
        let amplitude = f64::from(i16::MAX) * 10f64.powf(-10.0 / 20.0);
        let turn = TAU * f64::from(self.hertz) / RATE as f64;
        let count = (duration.as_secs_f64() * RATE as f64) as usize;
        (0..count).map(|n| ((turn * n as f64).sin() * amplitude) as i16).collect()
    }

    /// Writes the tone as a WAV file.
    pub fn write(self, file: &Path, duration: Duration) {
        std::fs::write(file, wav(&self.samples(duration))).unwrap();
    }
}

/// What a recording holds of one tone.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// From the first to the last frame with the tone.
    pub duration: Duration,
    /// Middle level of the frames with the tone; 0 dB is a full-scale sine.
    pub level_db: f64,
    /// Part of the recording's power between first and last that is the tone.
    pub purity: f64,
    /// The longest time without the tone between the first and last frame: silent, or another sound.
    pub longest_gap: Duration,
    /// Packets that are missing without a gap, since the recorder joined what it got. A recorder that
    /// plays through a clock of its own stretches time instead, and this says nothing.
    pub packets_cut: usize,
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Heard { duration, level_db, purity, longest_gap, packets_cut } = self;
        write!(
            f,
            "{:.2} s at {level_db:.1} dB, {:.1} % pure, longest gap {} ms, {packets_cut} packets cut",
            duration.as_secs_f64(),
            purity * 100.0,
            longest_gap.as_millis(),
        )
    }
}

/// Searches the recording in `file` for `tone`. `None`: it is not in it.
pub fn listen(file: &Path, tone: Tone) -> Option<Heard> {
    hear(&read(file)?, tone)
}

/// Searches samples for `tone`.
pub fn hear(samples: &[i16], tone: Tone) -> Option<Heard> {
    let frames: Vec<Bin> = samples.chunks_exact(FRAME).map(|frame| goertzel(frame, tone)).collect();
    let first = frames.iter().position(Bin::is_tone)?;
    let last = frames.iter().rposition(Bin::is_tone)?;
    let frames = &frames[first..=last];
    let mut levels: Vec<f64> = frames.iter().filter(|bin| bin.is_tone()).map(Bin::level_db).collect();
    levels.sort_by(f64::total_cmp);
    let power: f64 = frames.iter().filter(|bin| bin.is_tone()).map(|bin| bin.power).sum();
    let longest = frames.split(Bin::is_tone).map(<[Bin]>::len).max().unwrap_or(0);
    Some(Heard {
        duration: Duration::from_millis(20) * frames.len() as u32,
        level_db: levels[levels.len() / 2],
        purity: power / frames.iter().map(|bin| bin.all).sum::<f64>(),
        longest_gap: Duration::from_millis(20) * longest as u32,
        packets_cut: frames.split(Bin::is_silent).map(packets_cut).sum(),
    })
}

/// Packets missing from a run of frames without silence. A cut inside a frame makes its phase a mixture,
/// so the phase after a cut counts only when two frames agree about it.
fn packets_cut(frames: &[Bin]) -> usize {
    let (mut cut, mut anchor, mut stepped): (usize, Option<f64>, Option<f64>) = (0, None, None);
    for (n, bin) in frames.iter().enumerate() {
        if !bin.is_tone() {
            continue;
        }
        let phase = bin.turns - TURNS_A_FRAME * n as f64;
        match (anchor, stepped) {
            (Some(before), Some(step)) if !same(phase, before) && same(phase, step) => {
                cut += packets_between(phase - before);
                (anchor, stepped) = (Some(phase), None);
            }
            (Some(before), _) if !same(phase, before) => stepped = Some(phase),
            _ => (anchor, stepped) = (Some(phase), None),
        }
    }
    cut
}

/// Whether two phases in turns are one, as well as G.711 and a frame's edges let us know.
fn same(a: f64, b: f64) -> bool {
    distance(a - b) < 0.04
}

fn distance(turns: f64) -> f64 {
    turns.rem_euclid(1.0).min((-turns).rem_euclid(1.0))
}

/// How many packets are missing where the phase steps by so many turns.
fn packets_between(turns: f64) -> usize {
    let off = |count: usize| distance(turns - TURNS_A_FRAME * count as f64);
    (0..10).min_by(|a, b| off(*a).total_cmp(&off(*b))).expect("ten are not none")
}

/// One frame through the filter for one tone.
struct Bin {
    /// Power of the tone; 1 is a full-scale sine.
    power: f64,
    /// Power of everything in the frame, on the same scale.
    all: f64,
    /// Phase of the tone at the frame's start, in turns.
    turns: f64,
}

impl Bin {
    fn level_db(&self) -> f64 {
        10.0 * self.power.log10()
    }

    fn is_silent(&self) -> bool {
        10.0 * self.all.log10() < FLOOR_DB
    }

    /// Of two that are mixed each has half.
    fn is_tone(&self) -> bool {
        self.level_db() > FLOOR_DB && self.power > 0.4 * self.all
    }
}

/// The Goertzel filter with its window laid over whole periods as well as a frame allows.
fn goertzel(frame: &[i16], tone: Tone) -> Bin {
    let turn = TAU * f64::from(tone.hertz) / RATE as f64;
    let (mut real, mut imaginary, mut all) = (0.0, 0.0, 0.0);
    for (n, sample) in frame.iter().enumerate() {
        let sample = f64::from(*sample) / f64::from(i16::MAX);
        real += sample * (turn * n as f64).cos();
        imaginary -= sample * (turn * n as f64).sin();
        all += sample * sample;
    }
    let half = frame.len() as f64 / 2.0;
    let phase = imaginary.atan2(real) / TAU;
    Bin { power: (real * real + imaginary * imaginary) / (half * half), all: all / half, turns: phase }
}

/// A WAV file.
pub fn wav(samples: &[i16]) -> Vec<u8> {
    wav_at(RATE, samples)
}

/// One of so many samples a second.
pub fn wav_at(rate: usize, samples: &[i16]) -> Vec<u8> {
    let bytes = samples.len() as u32 * 2;
    let mut file = Vec::with_capacity(44 + bytes as usize);
    file.extend(b"RIFF");
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend((rate as u32).to_le_bytes());
    file.extend((rate as u32 * 2).to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend(bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// The samples of a mono 16-bit WAV file at 8 kHz; of one at 16 kHz, which a wide codec makes, each second one, since
/// tones are far below what that could mistake. A recorder that still runs has not written the length
/// (baresip) or the head (linphone), so the data goes to the end of the file.
pub fn read(file: &Path) -> Option<Vec<i16>> {
    read_at(RATE, file)
}

/// The same of one with so many samples a second.
pub fn read_at(wanted: usize, file: &Path) -> Option<Vec<i16>> {
    let bytes = std::fs::read(file).ok()?;
    let mut every = 1;
    let data = if bytes.starts_with(b"RIFF") {
        let format = bytes.windows(4).position(|four| four == b"fmt ")? + 8;
        let rate = u32::from_le_bytes(bytes.get(format + 4..format + 8)?.try_into().ok()?);
        every = rate as usize / wanted;
        let known = matches!(rate, 8_000 | 16_000) && every > 0 && bytes[format + 2] == 1;
        assert!(known, "{}: neither 8 nor 16 kHz mono", file.display());
        bytes.windows(4).position(|four| four == b"data")? + 8
    } else {
        44
    };
    let samples = bytes.get(data..)?.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]]));
    Some(samples.step_by(every).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_whole_tone_is_heard_without_gaps() {
        let heard = hear(&Tone::number(0).samples(SECOND), Tone::number(0)).unwrap();
        assert_eq!((heard.duration, heard.longest_gap, heard.packets_cut), (SECOND, Duration::ZERO, 0));
        assert!((heard.level_db + 10.0).abs() < 0.5, "{heard}");
        assert!(heard.purity > 0.97, "{heard}");
    }

    #[test]
    fn somebody_elses_tone_is_not_heard() {
        for (sent, sought) in [(0, 1), (1, 0), (2, 3), (0, 4)] {
            assert_eq!(hear(&Tone::number(sent).samples(SECOND), Tone::number(sought)), None);
        }
        assert_eq!(hear(&[0; RATE], Tone::number(0)), None);
    }

    #[test]
    fn packets_that_are_cut_out_are_counted() {
        for (lost, at) in (1..10).flat_map(|lost| [(lost, 3200), (lost, 3280), (lost, 3333)]) {
            let mut samples = Tone::number(1).samples(SECOND);
            samples.drain(at..at + lost * FRAME);
            let heard = hear(&samples, Tone::number(1)).unwrap();
            assert_eq!(heard.packets_cut, lost, "{lost} at {at}");
        }
    }

    #[test]
    fn packets_that_are_silenced_are_a_gap() {
        for lost in 1..10 {
            let mut samples = Tone::number(1).samples(SECOND);
            samples[3200..3200 + lost * FRAME].fill(0);
            let heard = hear(&samples, Tone::number(1)).unwrap();
            assert_eq!(heard.longest_gap, Duration::from_millis(20 * lost as u64), "{lost} lost");
            assert_eq!(heard.packets_cut, 0);
        }
    }

    #[test]
    fn a_file_keeps_its_samples() {
        let file = tempfile::NamedTempFile::new().unwrap();
        Tone::number(2).write(file.path(), SECOND);
        assert_eq!(read(file.path()).unwrap(), Tone::number(2).samples(SECOND));
    }
}
