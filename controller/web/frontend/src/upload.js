// Sends a form with files as fetch does, and shows how much has left: only XMLHttpRequest tells that.

export const sendTelling = (sign) => (address, { method, headers, body, signal }) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const bar = sign.querySelector("progress");
    bar.removeAttribute("value");
    sign.hidden = false;
    request.upload.addEventListener("progress", ({ loaded, total }) => total && (bar.value = (100 * loaded) / total));
    request.upload.addEventListener("load", () => bar.removeAttribute("value"));
    request.addEventListener("loadend", () => (sign.hidden = true));
    request.addEventListener("error", () => reject(new TypeError("The server did not answer.")));
    request.addEventListener("abort", () => reject(new DOMException("Aborted", "AbortError")));
    request.addEventListener("load", () => {
      const { status, statusText } = request;
      const lines = request.getAllResponseHeaders().trim().split("\r\n").filter(Boolean);
      const said = new Headers(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]));
      resolve(new Response(status === 204 ? null : request.responseText, { status, statusText, headers: said }));
    });
    signal?.addEventListener("abort", () => request.abort());
    request.open(method, address);
    new Headers(headers).forEach((value, name) => request.setRequestHeader(name, value));
    request.send(body);
  });
