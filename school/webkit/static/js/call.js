// How every script speaks with the server.
const csrf = document.querySelector('meta[name=csrf-token]')?.content;

/** fetch with the CSRF token; JSON or a form in, JSON out; throws {code, message} as the server said it. */
export async function call(method, url, body) {
  const form = body instanceof FormData;
  const response = await fetch(url, {
    method, credentials: 'same-origin',
    headers: { Accept: 'application/json', 'X-CSRFToken': csrf, ...(body === undefined || form ? {} : { 'Content-Type': 'application/json' }) },
    body: body === undefined || form ? body : JSON.stringify(body),
  });
  const data = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(data.error?.message || response.statusText), { status: response.status, ...data.error });
  return data;
}
