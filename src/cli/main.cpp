#include "cli/commands.h"

int main(int argc, char** argv) {
  return drawbridge::run_command_line(argc, argv);
}
