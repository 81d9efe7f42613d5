# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium of the tests' own, that reaches nothing but this machine."""
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness import wait_for

MAX_TABS = 60
FLAGS = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


class Browser:
    """One window; what it is asked for may still be on its way, so everything is waited for."""

    def __init__(self, lang="en-US", size="1000,900"):
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in [*FLAGS, f"--lang={lang}", f"--window-size={size}"]:
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"intl.accept_languages": lang})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        width, height = (int(side) for side in size.split(","))
        # A window is never narrower than 500 pixels, what is shown in it may be.
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def close(self):
        self.driver.quit()

    def forget(self, url):
        """What the site knows this window by, and what was said of it; windows that it has opened are closed."""
        first, *others = self.driver.window_handles
        for other in others:
            self.driver.switch_to.window(other)
            self.driver.close()
        self.driver.switch_to.window(first)
        self.open(url + "/healthz")
        self.driver.delete_all_cookies()
        self.driver.execute_script("localStorage.clear(); sessionStorage.clear()")
        self.complaints()

    def open(self, url):
        self.driver.get(url)

    def _find(self, xpath):
        try:
            found = self.driver.find_element(By.XPATH, xpath)
            return found if found.is_displayed() else None
        except (NoSuchElementException, StaleElementReferenceException):
            return None

    def find(self, xpath):
        return wait_for(lambda: self._find(xpath), f"{xpath} on {self.driver.current_url}")

    def has(self, xpath):
        return self._find(xpath) is not None

    def input(self, name):
        return self.find(f"//input[@name='{name}']")

    def type(self, name, text):
        field = self.input(name)
        field.clear()
        field.send_keys(text)

    def press(self, text):
        """The button with that text."""
        wait_for(lambda: self._press(text), f"a button {text!r} that can be pressed")

    def _press(self, text):
        found = self._find(f"//button[normalize-space()='{text}']")
        if not found or not found.is_enabled():
            return False
        try:
            found.click()
        except StaleElementReferenceException:
            return False
        return True

    def keys(self, *keys):
        """To whatever has the focus."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def key_to(self, name, starts=False):
        """The keyboard's way of pressing: on with Tab to the button that a screen reader calls so, and Enter."""
        self.find(f"//button[starts-with(normalize-space(@aria-label), \"{name}\") or normalize-space()=\"{name}\"]")
        for _ in range(MAX_TABS):
            self.keys(Keys.TAB)
            at = self.driver.switch_to.active_element
            if at.tag_name == "button" and at.is_enabled() and (
                    at.accessible_name.startswith(name) if starts else at.accessible_name == name):
                self.keys(Keys.ENTER)
                return
        raise AssertionError(f"no Tab leads to {name!r}")

    def says(self, text):
        return self.find(f"//*[contains(normalize-space(.), '{text}')][not(self::html or self::body)]")

    def is_at(self, path):
        wait_for(lambda: self.driver.current_url.split("#")[0].endswith(path), f"the page {path}")

    def complaints(self):
        """What the page has broken, of its own policy too; refusals of the API are no fault of it."""
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] == "SEVERE" and "Failed to load resource" not in entry["message"]]
