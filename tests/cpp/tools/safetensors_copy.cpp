// safetensors_copy FROM TO: reads a file of any writer and writes it again as nacre does. tests/python/test_safetensors_peer.py
// compares both with the reference package. Exit status 1 and the message when nacre refuses the file.
#include <cstdio>

#include "nacre/base/error.h"
#include "nacre/io/safetensors.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    const auto file = nacre::SafetensorsFile::open(argv[1], nacre::ChecksumRule::if_present, "copy");
    nacre::save_safetensors(argv[2], file.tensors(), file.metadata());
    (void)nacre::SafetensorsFile::open(argv[2], nacre::ChecksumRule::required, "copy");
  } catch (const nacre::Error& error) {
    std::puts(error.what());
    return 1;
  }
  return 0;
}
