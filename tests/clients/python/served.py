"""A `drawbridge serve` for tests, on a free port."""
import re
import signal
import subprocess
import threading
import time
import urllib.request


class Served:
    def __init__(self, program, model, *arguments):
        self.process = subprocess.Popen([program, "serve", "--model", model, "--port", "0", *arguments],
                                        stderr=subprocess.PIPE, text=True)
        self.log = []
        for line in self.process.stderr:
            self.log.append(line)
            found = re.search(r" listening url=(\S+)", line)
            if found:
                self.url = found[1]
                break
        else:
            raise RuntimeError("drawbridge serve ended before it listened:\n" + "".join(self.log))
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr))
        self.reader.start()

    def ask_to_stop(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self):
        """Exit code."""
        code = self.process.wait(timeout=120)
        self.reader.join()
        self.process.stderr.close()
        return code

    def stop(self):
        self.ask_to_stop()
        return self.wait()

    def metrics(self):
        """Value by name and labels, as `name{labels}`; the label model_name is left out."""
        with urllib.request.urlopen(self.url + "/metrics", timeout=60) as page:
            text = page.read().decode()
        samples = (re.sub(r'model_name="[^"]*",?', "", line).replace("{}", "").rsplit(" ", 1)
                   for line in text.splitlines() if not line.startswith("#"))
        return {name.replace(",}", "}"): float(value) for name, value in samples}

    def wait_until_idle(self):
        """Returns the metrics once no request runs and every page is free."""
        deadline = time.monotonic() + 120
        while True:
            now = self.metrics()
            if now["drawbridge:num_requests_running"] == 0 and now["drawbridge:kv_pages_free"] == now["drawbridge:kv_pages"]:
                return now
            if time.monotonic() > deadline:
                raise AssertionError(f"still busy: {now}")
            time.sleep(0.01)
