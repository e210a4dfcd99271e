mod ends;
mod forks;
mod random;
mod reoffers;
mod setup;
mod ways;
mod wire;
mod world;
